"""The ledger of refunds is append-only: the database itself refuses to change or remove an entry.

A text that lies beside an entry can be erased, when somebody leaves, but not changed.
"""

from django.db import migrations

# An empty table holds nothing to protect: a test database may be emptied by statement.
PROTECT_ENTRIES = """
CREATE FUNCTION billing_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT FROM billing_refundentry) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The ledger of refunds is append-only: % is refused.', TG_OP
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER billing_refundentry_append_only
    BEFORE UPDATE OR DELETE ON billing_refundentry
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
CREATE TRIGGER billing_refundentry_no_truncate
    BEFORE TRUNCATE ON billing_refundentry
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_change();
"""
RELEASE_ENTRIES = """
DROP TRIGGER billing_refundentry_no_truncate ON billing_refundentry;
DROP TRIGGER billing_refundentry_append_only ON billing_refundentry;
DROP FUNCTION billing_refuse_change();
"""
PROTECT_TEXTS = """
CREATE FUNCTION billing_refuse_text_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A text of the ledger of refunds is erased or kept, not changed.'
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER billing_ledgertext_unchanged
    BEFORE UPDATE ON billing_ledgertext
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_text_change();
"""
RELEASE_TEXTS = """
DROP TRIGGER billing_ledgertext_unchanged ON billing_ledgertext;
DROP FUNCTION billing_refuse_text_change();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_refunds_and_their_ledger")]
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [
        ("billing", "0015_refund_ledger_is_append_only"),
        ("billing", "0028_ledger_names_apart"),
    ]

    operations = [
        migrations.RunSQL(PROTECT_ENTRIES, RELEASE_ENTRIES),
        migrations.RunSQL(PROTECT_TEXTS, RELEASE_TEXTS),
    ]

"""The ledger of refunds is append-only: the database refuses to change or remove an entry."""

from django.db import migrations

# An empty table holds nothing to protect: a test database may be emptied by statement.
CREATE = """
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
DROP = """
DROP TRIGGER billing_refundentry_no_truncate ON billing_refundentry;
DROP TRIGGER billing_refundentry_append_only ON billing_refundentry;
DROP FUNCTION billing_refuse_change();
"""


class Migration(migrations.Migration):
    """Make the triggers."""

    dependencies = [("billing", "0014_refunds")]

    operations = [migrations.RunSQL(CREATE, DROP)]

"""Tries at processing an event, and the rows that each of them changed, which triggers note.

A trigger does its work only while an attempt is under way: its session then has the setting
`portal.attempt` (`billing/inbound/attempts.py`). Otherwise its condition costs next to nothing.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Rows that processing an event may change, with columns that aren't noted: what a message says is
# in the message, and where a member was is in their activity.
NOTED = {
    "billing_allocation": "",
    "billing_balancetransaction": "",
    "billing_checkout": "url,description",
    "billing_creditnote": "",
    "billing_customer": "",
    "billing_dispute": "",
    "billing_expectedtransfer": "",
    "billing_invoice": "",
    "billing_membershipdecision": "comment",
    "billing_payment": "",
    "billing_paymentmethod": "fingerprint",
    "billing_paymentrequest": "description",
    "billing_payout": "",
    "billing_plan": "",
    "billing_product": "",
    "billing_refund": "words,answer",
    "billing_subscription": "",
    "billing_taxrate": "",
    "billing_unassignedcustomer": "",
    "emails_message": "recipient,subject,context,dedupe_key",
    "members_accountactivity": "ip,user_agent",
}
FUNCTION = """
CREATE FUNCTION billing_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := '{}';
    becomes jsonb := '{}';
    changed text[];
    left_out text[] := string_to_array(TG_ARGV[0], ',') || '{id,read_at}';
BEGIN
    IF TG_OP <> 'INSERT' THEN was := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN becomes := to_jsonb(NEW); END IF;
    SELECT array_agg(name) INTO changed
        FROM jsonb_object_keys(was || becomes) AS name
        WHERE name <> ALL (left_out) AND right(name, 8) <> '_read_at'
        AND was -> name IS DISTINCT FROM becomes -> name;
    IF TG_OP = 'UPDATE' AND changed IS NULL THEN RETURN NULL; END IF;
    INSERT INTO billing_rowchange (attempt_id, "table", row, action, before, after) VALUES (
        current_setting('portal.attempt')::bigint,
        TG_TABLE_NAME,
        coalesce((becomes ->> 'id'), (was ->> 'id'))::bigint,
        left(TG_OP, 1),
        CASE WHEN TG_OP <> 'INSERT' THEN
            (SELECT jsonb_object_agg(name, was -> name) FROM unnest(changed) AS name) END,
        CASE WHEN TG_OP <> 'DELETE' THEN
            (SELECT jsonb_object_agg(name, becomes -> name) FROM unnest(changed) AS name) END
    );
    RETURN NULL;
END;
$$;
"""
TRIGGER = """
CREATE TRIGGER {table}_noted AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW
    WHEN (coalesce(current_setting('portal.attempt', true), '') <> '')
    EXECUTE FUNCTION billing_note_change('{left_out}');
"""
CREATE = FUNCTION + "".join(
    TRIGGER.format(table=table, left_out=left_out) for table, left_out in NOTED.items()
)
DROP = "".join(f"DROP TRIGGER {table}_noted ON {table};" for table in NOTED) + (
    "DROP FUNCTION billing_note_change();"
)


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0020_closed_months"),
        ("emails", "0002_notification_choices"),
        ("members", "0007_connections_in_activity"),
    ]

    operations = [
        migrations.CreateModel(
            name="EventAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_replay", models.BooleanField(default=False, verbose_name="replayed by staff")),
                (
                    "began_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pending", "Pending"),
                            ("processed", "Processed"),
                            ("ignored", "Ignored"),
                            ("retrying", "Retrying"),
                            ("failed", "Failed"),
                        ],
                        db_default="",
                        help_text="What it left the event in.",
                        max_length=10,
                    ),
                ),
                ("problem", models.TextField(blank=True, db_default="")),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tries",
                        to="billing.stripeevent",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RowChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", models.CharField(max_length=63)),
                ("row", models.BigIntegerField()),
                (
                    "action",
                    models.CharField(
                        choices=[("I", "Added"), ("U", "Changed"), ("D", "Removed")], max_length=1
                    ),
                ),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="billing.eventattempt",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        migrations.RunSQL(CREATE, DROP),
    ]

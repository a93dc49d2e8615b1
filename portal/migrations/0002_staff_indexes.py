"""Indexes that only the staff site reads: beginnings of columns, what failed, newest first.

They are on the tables of other apps, which know nothing of the staff site.
"""

from django.db import migrations

# Django's `istartswith` compares `UPPER(column::text)`, which an index on the column does not
# serve; `text_pattern_ops` serves LIKE under any collation.
BEGINNINGS = [
    ("auth_user", "email"),
    ("account_emailaddress", "email"),
    ("emails_message", "recipient"),
    ("billing_invoice", "number"),
]
INDEXES = {
    **{
        f"staff_{table}_{column}": f"{table} (UPPER({column}::text) text_pattern_ops)"
        for table, column in BEGINNINGS
    },
    "staff_member_phone": "members_member (phone text_pattern_ops)",
    "staff_invoice_newest": "billing_invoice (created_at DESC, id DESC)",
    "staff_payment_newest": "billing_payment (created_at DESC, id DESC)",
    # Sums of income are read from the index alone.
    "staff_payment_income": (
        "billing_payment (paid_at) INCLUDE (currency, amount_received, amount_refunded)"
        " WHERE status = 'succeeded'"
    ),
    "staff_event_customer": "billing_stripeevent (customer_id, id DESC)",
    "staff_event_failed": "billing_stripeevent (id DESC) WHERE state = 'failed'",
    "staff_message_failed": "emails_message (id DESC) WHERE state = 'failed'",
}


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0001_problems"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        # The last of each app that were squashed. Migrations that replace them stand in for them,
        # unless a database has applied only some: Django then refuses, by this alone, to go on.
        ("billing", "0034_forgetting"),
        ("emails", "0005_forgetting"),
        ("members", "0011_access_origin"),
    ]
    # A database that has applied this, from before migrations were squashed, is up to date.
    replaces = [("portal", "0001_staff_indexes")]

    operations = [
        migrations.RunSQL(f"CREATE INDEX {name} ON {target}", f"DROP INDEX {name}")
        for name, target in INDEXES.items()
    ]

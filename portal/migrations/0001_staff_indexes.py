"""Indexes that only the staff site reads: beginnings of names, what failed, newest first.

Django's `istartswith` compares `UPPER(column::text)`, which an index on the column does not serve.
`text_pattern_ops` serves LIKE under any collation.
"""

from django.db import migrations

BEGINNINGS = [
    ("auth_user", "email"),
    ("auth_user", "first_name"),
    ("auth_user", "last_name"),
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
        ("account", "0009_emailaddress_unique_primary_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("billing", "0001_initial"),
        ("emails", "0001_initial"),
        ("members", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(f"CREATE INDEX {name} ON {target}", f"DROP INDEX {name}")
        for name, target in INDEXES.items()
    ]

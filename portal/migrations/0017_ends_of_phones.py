"""Staff find people by the end of a phone number, and single payments by what they were for."""

from django.db import migrations

INDEXES = {
    "staff_member_phone_end": "members_member (reverse(phone::varchar) text_pattern_ops)",
    "staff_payment_description_parts": (
        "billing_payment USING gin (staff_letter_triples(description)) WHERE invoice_id IS NULL"
    ),
}


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0016_texts_to_us"),
        ("billing", "0039_of_members_and_connected"),
        ("members", "0010_words_of_consent"),
    ]

    operations = [
        migrations.RunSQL(f"CREATE INDEX {name} ON {target}", f"DROP INDEX {name}")
        for name, target in INDEXES.items()
    ]

"""What a member's page of payments looks for has an index: switches, and payments of no invoice."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_remove_dispute_is_charge_refundable"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("billing_reason", "subscription_update")),
                fields=["customer"],
                name="billing_invoice_switches",
            ),
        ),
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("invoice", None)),
                fields=["customer", "-created_at", "-id"],
                name="billing_payment_single",
            ),
        ),
    ]

"""Invoices know what discounts without an end took off, so days past stay as they were counted.

An invoice without a discount has none of them; of the others it's read from Stripe.
"""

from django.db import migrations, models

COUNTED = """
DROP TRIGGER billing_invoice_changed ON billing_invoice;
CREATE TRIGGER billing_invoice_changed AFTER UPDATE ON billing_invoice
    FOR EACH ROW WHEN (
        (OLD.customer_id, OLD.subscription_id, OLD.currency, OLD.status, OLD.given_up_reason,
         OLD.billing_reason, OLD.collection_method, OLD.attempt_count, OLD.amount_due,
         OLD.discount, {old}OLD.tax_included, OLD.lines, OLD.created_at, OLD.finalized_at)
        IS DISTINCT FROM
        (NEW.customer_id, NEW.subscription_id, NEW.currency, NEW.status, NEW.given_up_reason,
         NEW.billing_reason, NEW.collection_method, NEW.attempt_count, NEW.amount_due,
         NEW.discount, {new}NEW.tax_included, NEW.lines, NEW.created_at, NEW.finalized_at)
    ) EXECUTE FUNCTION billing_count_invoice();
"""
WITH = COUNTED.format(old="OLD.discount_lasting, ", new="NEW.discount_lasting, ")
WITHOUT = COUNTED.format(old="", new="")


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0031_pauses_by_staff"),
    ]

    operations = [
        migrations.AddField(
            model_name="invoice",
            name="discount_lasting",
            field=models.BigIntegerField(
                blank=True,
                help_text=(
                    "What discounts without an end took off. Not known of invoices read before."
                ),
                null=True,
            ),
        ),
        migrations.RunSQL(
            "UPDATE billing_invoice SET discount_lasting = 0 WHERE discount = 0",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(WITH, WITHOUT),
    ]

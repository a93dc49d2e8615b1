"""Visits to Checkout by a payment request's link, without the member's customer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0017_payment_methods"),
    ]

    operations = [
        migrations.AddField(
            model_name="checkout",
            name="is_guest",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Whether its page was opened with a link, without signing in.",
            ),
        ),
    ]

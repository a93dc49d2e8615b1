"""Who invoices name: the person apart from the business, and the address."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0015_subscription_paid_by_zelle"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="individual_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=150),
        ),
        migrations.AddField(
            model_name="customer",
            name="address",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
    ]

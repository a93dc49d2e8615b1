"""Which memberships are paid by Zelle, as their metadata at Stripe says."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0014_refund_of_a_transfer"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="is_by_zelle",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="We said so at Stripe: when it began, or when its member chose Zelle.",
                verbose_name="paid by Zelle",
            ),
        ),
    ]

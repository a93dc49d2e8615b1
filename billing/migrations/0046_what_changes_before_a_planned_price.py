"""What a schedule at Stripe changes before the price that it plans."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0045_refunds_reported_as_fraud"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="changes_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When something else that's scheduled begins, if that's before that "
                "price.",
                null=True,
                verbose_name="changes from",
            ),
        ),
    ]

"""Descriptions that may be a member's are cleared; events of connected accounts are counted."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# What only Stripe or the business's bank is the cause of.
DESCRIBED = (
    *("fee", "network_cost", "tax", "other_adjustment", "risk_reserve", "contribution"),
    *("payout", "payout_reversal", "topup", "topup_reversal"),
    *("payout_minimum_balance_hold", "payout_minimum_balance_release"),
)


def clear_descriptions(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Forget the descriptions of balance transactions that a member may be the cause of."""
    rows = apps.get_model("billing", "BalanceTransaction").objects.exclude(description="")
    rows.exclude(category__in=DESCRIBED).update(description="")


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0038_planned_prices"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ignoredevents",
            name="reason",
            field=models.CharField(
                choices=[
                    ("thin", "Thin event"),
                    ("other_mode", "Event of the other mode"),
                    ("connected", "Event of a connected account"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunPython(clear_descriptions, migrations.RunPython.noop),
    ]

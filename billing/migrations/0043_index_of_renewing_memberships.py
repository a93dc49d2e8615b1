"""The index of the memberships that will renew, those that end several renewals away included."""

from django.db import migrations, models

import billing.core.statuses


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0042_fraud_warnings"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="subscription",
            name="billing_membership_going_on",
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(
                    models.Q(
                        ("cancel_at", None),
                        ("cancel_at__gt", models.F("current_period_end")),
                        _connector="OR",
                    ),
                    ("cancel_at_period_end", False),
                    ("is_membership", True),
                    (
                        "status__in",
                        [
                            billing.core.statuses.SubscriptionStatus["ACTIVE"],
                            billing.core.statuses.SubscriptionStatus["PAST_DUE"],
                            billing.core.statuses.SubscriptionStatus["PAUSED"],
                            billing.core.statuses.SubscriptionStatus["TRIALING"],
                            billing.core.statuses.SubscriptionStatus["UNPAID"],
                        ],
                    ),
                ),
                fields=["customer"],
                name="billing_membership_renewing",
            ),
        ),
    ]

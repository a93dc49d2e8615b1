"""Indexes for the order of staff lists, and for the few rows that home looks for each time."""

from django.conf import settings
from django.db import migrations, models

import billing.core.statuses


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0039_of_members_and_connected"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="bankline",
            index=models.Index(fields=["-posted_on", "-id"], name="billing_bank_line_newest"),
        ),
        migrations.AddIndex(
            model_name="banktransfer",
            index=models.Index(fields=["-on", "-id"], name="billing_transfer_newest"),
        ),
        migrations.AddIndex(
            model_name="creditnote",
            index=models.Index(fields=["-created_at", "-id"], name="billing_credit_note_newest"),
        ),
        migrations.AddIndex(
            model_name="dispute",
            index=models.Index(fields=["-created_at", "-id"], name="billing_dispute_newest"),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(
                    ("status", billing.core.statuses.InvoiceStatus["DRAFT"]),
                    models.Q(("finalization_error", ""), _negated=True),
                ),
                fields=["id"],
                name="billing_invoice_unfinalized",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["-created_at", "-id"], name="billing_refund_newest"),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(fields=["-started_at", "-id"], name="billing_subscription_newest"),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(
                    ("cancel_at", None),
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
                name="billing_membership_going_on",
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("is_second_trial", True)),
                fields=["id"],
                name="billing_second_trials",
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("tax_problem", ""), _negated=True),
                fields=["id"],
                name="billing_untaxed",
            ),
        ),
    ]

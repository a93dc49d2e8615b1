"""Plans, customers and their subscriptions, as Stripe has them."""

from django.conf import settings
from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
COPY = [
    ("id", ID),
    ("stripe_id", models.CharField(max_length=255, unique=True, verbose_name="Stripe id")),
    ("read_at", models.DateTimeField(verbose_name="last read from Stripe")),
]
SUBSCRIPTION_STATUSES = [
    ("incomplete", "Incomplete"),
    ("incomplete_expired", "Incomplete expired"),
    ("trialing", "Trialing"),
    ("active", "Active"),
    ("past_due", "Past due"),
    ("unpaid", "Unpaid"),
    ("paused", "Paused"),
    ("canceled", "Canceled"),
]
COLLECTION_METHODS = [
    ("charge_automatically", "Charge automatically"),
    ("send_invoice", "Send invoice"),
]
PAUSE_BEHAVIORS = [
    ("keep_as_draft", "Keep as draft"),
    ("mark_uncollectible", "Mark uncollectible"),
    ("void", "Void"),
]


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [
        ("billing", "0001_initial"),
        ("billing", "0004_customers_without_a_member"),
        ("billing", "0005_customers_told_and_read"),
        ("billing", "0006_customers_who_left"),
        ("billing", "0010_prices_codes_and_next_charge"),
        ("billing", "0018_cards_by_payment_method"),
        ("billing", "0021_credit_and_promotion_codes"),
        ("billing", "0024_collection"),
        ("billing", "0026_taxes_by_rate"),
        ("billing", "0027_columns_as_wide_as_stripes_texts"),
        ("billing", "0029_pauses_not_read_yet"),
        ("billing", "0030_what_subscriptions_hold"),
        ("billing", "0032_stripe_tax"),
        ("billing", "0033_trials_once_a_person"),
    ]

    operations = [
        migrations.CreateModel(
            name="Plan",
            fields=[
                *COPY,
                ("product_id", models.CharField(max_length=255)),
                ("name", models.CharField(max_length=5000)),
                ("description", models.TextField(blank=True)),
                ("amount", models.BigIntegerField(help_text="Minor units a period.")),
                ("currency", models.CharField(max_length=3)),
                ("interval", models.CharField(max_length=100)),
                ("interval_count", models.PositiveIntegerField(default=1)),
                ("trial_days", models.PositiveIntegerField(default=0)),
                (
                    "tax_behavior",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="As the price says.",
                        max_length=100,
                    ),
                ),
                ("active", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="Product", fields=[*COPY, ("name", models.TextField(blank=True))]
        ),
        migrations.CreateModel(
            name="TaxRate",
            fields=[
                *COPY,
                ("name", models.CharField(max_length=255)),
                ("jurisdiction", models.CharField(blank=True, max_length=255)),
                ("percentage", models.DecimalField(decimal_places=4, max_digits=9)),
            ],
        ),
        migrations.CreateModel(
            name="TaxAccount",
            fields=[
                *COPY,
                ("status", models.CharField(max_length=100)),
                ("behavior", models.CharField(blank=True, max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Customer",
            fields=[
                *COPY,
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.PROTECT,
                        related_name="customers",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=512)),
                ("name", models.CharField(blank=True, max_length=256)),
                (
                    "business_name",
                    models.CharField(blank=True, db_default="", default="", max_length=256),
                ),
                ("tax_ids", models.JSONField(blank=True, db_default=[], default=list)),
                ("deleted_at_stripe", models.BooleanField(default=False)),
                ("told_email", models.EmailField(blank=True, db_default="", max_length=254)),
                ("told_name", models.CharField(blank=True, db_default="", max_length=310)),
                ("told_language", models.CharField(blank=True, db_default="", max_length=10)),
                (
                    "closed_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the member left; the customer is deleted at Stripe.",
                        null=True,
                    ),
                ),
                (
                    "history_read_at",
                    models.DateTimeField(
                        blank=True, help_text="When all of their money was first read.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField()),
            ],
            options={"ordering": ["-created_at"]},
        ),
        migrations.CreateModel(
            name="UnassignedCustomer",
            fields=[
                *COPY,
                ("email", models.EmailField(blank=True, max_length=512)),
                ("name", models.CharField(blank=True, max_length=256)),
                ("created_at", models.DateTimeField()),
                (
                    "erased_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When somebody with this address closed their account.",
                        null=True,
                    ),
                ),
                ("invited_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={"ordering": ["-created_at"]},
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                *COPY,
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=models.PROTECT,
                        related_name="subscriptions",
                        to="billing.customer",
                    ),
                ),
                ("status", models.CharField(choices=SUBSCRIPTION_STATUSES, max_length=100)),
                (
                    "is_membership",
                    models.BooleanField(db_default=True, default=True, verbose_name="membership"),
                ),
                (
                    "name",
                    models.TextField(blank=True, db_default="", default="", verbose_name="for"),
                ),
                ("items", models.JSONField(blank=True, db_default=[], default=list)),
                ("price_id", models.CharField(max_length=255)),
                (
                    "plan_amount",
                    models.BigIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Minor units a period: the membership's part of it.",
                    ),
                ),
                (
                    "amount",
                    models.BigIntegerField(
                        help_text="Minor units a period, before discounts and added tax."
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("interval", models.CharField(max_length=100)),
                ("interval_count", models.PositiveIntegerField(default=1)),
                ("current_period_start", models.DateTimeField()),
                ("current_period_end", models.DateTimeField()),
                ("trial_end", models.DateTimeField(blank=True, null=True)),
                (
                    "is_second_trial",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="We gave this trial to somebody who, as it turned out, had one before.",
                    ),
                ),
                ("cancel_at", models.DateTimeField(blank=True, null=True)),
                ("cancel_at_period_end", models.BooleanField(default=False)),
                ("canceled_at", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("card_brand", models.CharField(blank=True, max_length=100)),
                ("card_last4", models.CharField(blank=True, max_length=4)),
                ("card_expires", models.CharField(blank=True, help_text="YYYY-MM", max_length=7)),
                (
                    "method_id",
                    models.CharField(blank=True, max_length=255, verbose_name="payment method"),
                ),
                (
                    "card_added_at",
                    models.DateTimeField(
                        blank=True, help_text="When Stripe got to know the card.", null=True
                    ),
                ),
                (
                    "collection_method",
                    models.CharField(
                        choices=COLLECTION_METHODS,
                        db_default="charge_automatically",
                        default="charge_automatically",
                        max_length=100,
                    ),
                ),
                (
                    "days_until_due",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How long a member has to pay an invoice that is sent.",
                        null=True,
                    ),
                ),
                (
                    "pause_behavior",
                    models.CharField(
                        blank=True,
                        choices=PAUSE_BEHAVIORS,
                        help_text="While collection is paused: what becomes of new invoices.",
                        max_length=100,
                        null=True,
                    ),
                ),
                (
                    "resumes_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Empty: when staff say so.",
                        null=True,
                        verbose_name="collection resumes",
                    ),
                ),
                ("discounts", models.JSONField(blank=True, default=list)),
                (
                    "next_charge",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Minor units, from Stripe's preview of the next invoice.",
                        null=True,
                    ),
                ),
                (
                    "next_credit",
                    models.BigIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Minor units of credit that the next invoice uses, from the same.",
                    ),
                ),
                (
                    "taxation",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Whether the next invoice adds tax, or the price includes it, from the same.",
                        max_length=10,
                    ),
                ),
                ("tax_is_automatic", models.BooleanField(db_default=False, default=False)),
                (
                    "tax_problem",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Stripe's word for why it no longer works out the tax.",
                        max_length=100,
                    ),
                ),
                (
                    "balance",
                    models.BigIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Minor units: the customer's balance at Stripe. Less than 0 is credit.",
                    ),
                ),
                (
                    "end_reason",
                    models.CharField(
                        blank=True,
                        help_text="Stripe's word for why it ends or ended.",
                        max_length=100,
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at", "-id"],
                "permissions": [("cancel_subscription_now", "Can end a membership at once")],
            },
        ),
    ]

"""What members decide about their membership, and the offers that they get when they leave."""

from django.conf import settings
from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
ACTIONS = [
    ("cancel", "Cancel"),
    ("resume", "Resume"),
    ("cancel_now", "Cancel now"),
    ("switch", "Switch"),
    ("stay", "Stay"),
]
REASONS = [
    ("too_expensive", "Too expensive"),
    ("unused", "Unused"),
    ("missing_features", "Missing features"),
    ("switched_service", "Switched service"),
    ("low_quality", "Low quality"),
    ("customer_service", "Customer service"),
    ("too_complex", "Too complex"),
    ("other", "Other"),
]
DECISION_STATES = [("pending", "Pending"), ("confirmed", "Confirmed"), ("failed", "Failed")]


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_requests_and_checkouts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [
        ("billing", "0007_membership_decisions"),
        ("billing", "0011_switching"),
        ("billing", "0017_retention_offers"),
        ("billing", "0020_words_of_the_sidebar"),
    ]

    operations = [
        migrations.CreateModel(
            name="RetentionOffer",
            fields=[
                ("id", ID),
                (
                    "headline",
                    models.CharField(
                        help_text="What members read first: Would it help if it cost less?",
                        max_length=100,
                    ),
                ),
                (
                    "text",
                    models.CharField(blank=True, help_text="A sentence below it.", max_length=300),
                ),
                (
                    "coupon_id",
                    models.CharField(
                        help_text="The coupon's id at Stripe.",
                        max_length=500,
                        verbose_name="coupon",
                    ),
                ),
                ("percent_off", models.FloatField(editable=False, null=True)),
                (
                    "amount_off",
                    models.BigIntegerField(editable=False, help_text="Minor units.", null=True),
                ),
                ("currency", models.CharField(blank=True, editable=False, max_length=3)),
                ("duration", models.CharField(editable=False, max_length=100)),
                ("months", models.PositiveIntegerField(editable=False, null=True)),
                (
                    "every_months",
                    models.PositiveSmallIntegerField(
                        default=12,
                        help_text="A member who accepted an offer sees none for so many months.",
                        verbose_name="once in so many months",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "offer to stay",
                "verbose_name_plural": "offers to stay",
                "ordering": ["-is_active", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(is_active=True),
                        fields=("is_active",),
                        name="billing_one_active_retention_offer",
                        violation_error_message="Another offer is active. Switch that off first.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(every_months__gte=1),
                        name="billing_retention_offer_now_and_then",
                        violation_error_message="At least once in one month.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RetentionShowing",
            fields=[
                ("id", ID),
                (
                    "offer",
                    models.ForeignKey(
                        on_delete=models.PROTECT,
                        related_name="showings",
                        to="billing.retentionoffer",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="showings", to="billing.customer"
                    ),
                ),
                ("first_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "offer shown",
                "verbose_name_plural": "offers shown",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("offer", "customer"), name="billing_one_showing_of_an_offer"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MembershipDecision",
            fields=[
                ("id", ID),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="decisions", to="billing.customer"
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=models.PROTECT,
                        related_name="decisions",
                        to="billing.subscription",
                    ),
                ),
                ("action", models.CharField(choices=ACTIONS, max_length=10)),
                (
                    "reason",
                    models.CharField(
                        blank=True, choices=REASONS, help_text="Of a survey.", max_length=20
                    ),
                ),
                (
                    "comment",
                    models.TextField(
                        blank=True, help_text="In the member's own words.", max_length=500
                    ),
                ),
                (
                    "price_id",
                    models.CharField(blank=True, max_length=255, verbose_name="new price"),
                ),
                (
                    "prorated_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="From when the new price counts, as the member was shown.",
                        null=True,
                    ),
                ),
                (
                    "amount",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Minor units: what the member was shown to be charged.",
                        null=True,
                    ),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                (
                    "offer",
                    models.ForeignKey(
                        blank=True,
                        help_text="That made the member stay.",
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="decisions",
                        to="billing.retentionoffer",
                    ),
                ),
                ("coupon_id", models.CharField(blank=True, max_length=500, verbose_name="coupon")),
                (
                    "discount_id",
                    models.CharField(
                        blank=True,
                        help_text="What came of the coupon at Stripe.",
                        max_length=255,
                        verbose_name="discount",
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        help_text="The member, or who of the staff.",
                        on_delete=models.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "state",
                    models.CharField(choices=DECISION_STATES, default="pending", max_length=10),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "member's decision",
                "verbose_name_plural": "members' decisions",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="TrialRecord",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "began_at",
                    models.DateTimeField(help_text="When the trial or the membership began."),
                ),
                ("had_trial", models.BooleanField()),
            ],
        ),
    ]

"""Items on sale, payment requests, and checkouts of all kinds."""

from django.conf import settings
from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
REQUEST_STATES = [("open", "Open"), ("paid", "Paid"), ("canceled", "Canceled")]
PURPOSES = [("membership", "Membership"), ("amount", "Amount"), ("request", "Request")]
CHECKOUT_STATES = [
    ("starting", "Starting"),
    ("open", "Open"),
    ("processing", "Processing"),
    ("complete", "Complete"),
    ("failed", "Failed"),
    ("expired", "Expired"),
]
UNFINISHED = models.Q(state__in=["open", "processing", "starting"])


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_events_and_reconciliation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [
        ("billing", "0009_items_and_payment_requests"),
        ("billing", "0022_several_customers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", ID),
                (
                    "name",
                    models.CharField(
                        help_text="What members read: Workshop fee, 12 May.", max_length=200
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("is_active", models.BooleanField(default=True, verbose_name="on sale")),
                (
                    "for_everybody",
                    models.BooleanField(
                        default=False,
                        help_text="Every member may pay it, once; else only those below.",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "members",
                    models.ManyToManyField(
                        blank=True, related_name="offered_items", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(amount__gt=0), name="billing_item_has_a_price"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentRequest",
            fields=[
                ("id", ID),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.PROTECT,
                        related_name="payment_requests",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="requests",
                        to="billing.item",
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("description", models.CharField(max_length=200)),
                ("state", models.CharField(choices=REQUEST_STATES, default="open", max_length=10)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                ("canceled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who of the staff sent it; nobody where the member took it from the list.",
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["user", "state"], name="billing_request_of_user")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=~models.Q(state="canceled"),
                        fields=("item", "user"),
                        name="billing_item_once_a_member",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(amount__gt=0), name="billing_request_of_an_amount"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Checkout",
            fields=[
                ("id", ID),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=models.CASCADE, related_name="checkouts", to="billing.customer"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("session_id", models.CharField(blank=True, db_index=True, max_length=255)),
                (
                    "purpose",
                    models.CharField(choices=PURPOSES, default="membership", max_length=10),
                ),
                ("price_id", models.CharField(blank=True, max_length=255)),
                ("trial_days", models.PositiveIntegerField(db_default=0, default=0)),
                ("amount", models.BigIntegerField(blank=True, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("description", models.CharField(blank=True, max_length=200)),
                (
                    "request",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="checkouts",
                        to="billing.paymentrequest",
                    ),
                ),
                (
                    "payment",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="checkout",
                        to="billing.payment",
                    ),
                ),
                (
                    "is_taxed",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="Whether Stripe works out tax on its page.",
                    ),
                ),
                ("url", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(choices=CHECKOUT_STATES, default="starting", max_length=10),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "returned_at",
                    models.DateTimeField(
                        blank=True, help_text="When the member came back having paid.", null=True
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=UNFINISHED & ~models.Q(purpose="request"),
                        fields=("user", "purpose"),
                        name="billing_one_unfinished_checkout",
                    ),
                    models.UniqueConstraint(
                        condition=UNFINISHED,
                        fields=("request",),
                        name="billing_one_unfinished_checkout_of_request",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(purpose="membership") | models.Q(amount__gt=0),
                        name="billing_checkout_of_an_amount",
                    ),
                    models.CheckConstraint(
                        condition=(
                            models.Q(purpose="request", request__isnull=False)
                            | ~models.Q(purpose="request") & models.Q(request=None)
                        ),
                        name="billing_checkout_of_a_request",
                    ),
                ],
            },
        ),
    ]

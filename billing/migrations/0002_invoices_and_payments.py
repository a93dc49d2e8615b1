"""Invoices, payments, credit notes and disputes, as Stripe has them."""

from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
COPY = [
    ("id", ID),
    ("stripe_id", models.CharField(max_length=255, unique=True, verbose_name="Stripe id")),
    ("read_at", models.DateTimeField(verbose_name="last read from Stripe")),
]
INVOICE_STATUSES = [
    ("draft", "Draft"),
    ("open", "Open"),
    ("paid", "Paid"),
    ("void", "Void"),
    ("uncollectible", "Uncollectible"),
]
COLLECTION_METHODS = [
    ("charge_automatically", "Charge automatically"),
    ("send_invoice", "Send invoice"),
]
COLLECTION_STATES = [
    ("", ""),
    ("processing", "Processing"),
    ("requires_action", "Requires action"),
    ("failed", "Failed"),
]
PAYMENT_STATUSES = [
    ("requires_payment_method", "Failed"),
    ("requires_confirmation", "Not confirmed"),
    ("requires_action", "Waits for the member"),
    ("requires_capture", "Reserved"),
    ("processing", "In progress"),
    ("succeeded", "Paid"),
    ("canceled", "Canceled"),
]
DISPUTE_STATUSES = [
    ("warning_needs_response", "Warning needs response"),
    ("warning_under_review", "Warning under review"),
    ("warning_closed", "Warning closed"),
    ("needs_response", "Needs response"),
    ("under_review", "Under review"),
    ("appeal_needs_response", "Appeal needs response"),
    ("appeal_under_review", "Appeal under review"),
    ("won", "Won"),
    ("lost", "Lost"),
    ("prevented", "Prevented"),
]
ANSWERABLE = ["appeal_needs_response", "needs_response", "warning_needs_response"]


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_customers_and_subscriptions")]
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [
        ("billing", "0008_invoice_collection"),
        ("billing", "0012_credit_notes"),
        ("billing", "0013_disputes"),
        ("billing", "0016_words_for_payments"),
        ("billing", "0025_untried_payments"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invoice",
            fields=[
                *COPY,
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="invoices", to="billing.customer"
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="invoices",
                        to="billing.subscription",
                    ),
                ),
                ("number", models.CharField(blank=True, db_index=True, max_length=255)),
                ("status", models.CharField(choices=INVOICE_STATUSES, max_length=100)),
                ("billing_reason", models.CharField(blank=True, max_length=100)),
                ("currency", models.CharField(max_length=3)),
                ("subtotal", models.BigIntegerField()),
                ("discount", models.BigIntegerField(default=0)),
                (
                    "customer_name",
                    models.CharField(blank=True, db_default="", default="", max_length=256),
                ),
                ("customer_tax_ids", models.JSONField(blank=True, db_default=[], default=list)),
                (
                    "finalization_error",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Stripe's word for why it stays a draft.",
                        max_length=100,
                    ),
                ),
                (
                    "promotion_codes",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="By which it was lowered.",
                        max_length=5000,
                    ),
                ),
                ("tax", models.BigIntegerField(default=0)),
                ("tax_included", models.BigIntegerField(db_default=0, default=0)),
                ("taxes", models.JSONField(db_default=[], default=list)),
                ("total", models.BigIntegerField()),
                ("starting_balance", models.BigIntegerField(default=0)),
                ("ending_balance", models.BigIntegerField(blank=True, null=True)),
                ("pre_payment_credit_notes_amount", models.BigIntegerField(default=0)),
                ("post_payment_credit_notes_amount", models.BigIntegerField(default=0)),
                ("amount_due", models.BigIntegerField()),
                ("amount_paid", models.BigIntegerField()),
                ("amount_remaining", models.BigIntegerField()),
                (
                    "amount_paid_outside",
                    models.BigIntegerField(
                        db_default=0,
                        default=0,
                        help_text="The part of what was paid that did not come through Stripe.",
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
                    "auto_advance",
                    models.BooleanField(
                        db_default=True,
                        default=True,
                        help_text="Off: it has given up.",
                        verbose_name="Stripe goes on by itself",
                    ),
                ),
                ("attempt_count", models.PositiveIntegerField(default=0)),
                (
                    "collection",
                    models.CharField(blank=True, choices=COLLECTION_STATES, max_length=20),
                ),
                ("next_payment_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("lines", models.JSONField(default=list)),
                ("hosted_url", models.URLField(blank=True, max_length=5000)),
                ("pdf_url", models.URLField(blank=True, max_length=5000)),
                ("created_at", models.DateTimeField()),
                ("finalized_at", models.DateTimeField(blank=True, null=True)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                ("voided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "given_up_at",
                    models.DateTimeField(
                        blank=True, help_text="When it was marked uncollectible.", null=True
                    ),
                ),
                (
                    "given_up_reason",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="Stripe's word for why.",
                        max_length=100,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["customer", "-created_at", "-id"], name="billing_invoice_list"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                *COPY,
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="payments", to="billing.customer"
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="payments",
                        to="billing.invoice",
                    ),
                ),
                ("charge_id", models.CharField(blank=True, max_length=255)),
                ("status", models.CharField(choices=PAYMENT_STATUSES, max_length=100)),
                ("amount", models.BigIntegerField()),
                ("amount_received", models.BigIntegerField(default=0)),
                ("amount_refunded", models.BigIntegerField(default=0)),
                (
                    "tax",
                    models.BigIntegerField(
                        db_default=0,
                        default=0,
                        help_text="Minor units of it, where no invoice says so.",
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("description", models.CharField(blank=True, max_length=1000)),
                ("card_brand", models.CharField(blank=True, max_length=100)),
                ("card_last4", models.CharField(blank=True, max_length=4)),
                (
                    "method_id",
                    models.CharField(blank=True, max_length=255, verbose_name="payment method"),
                ),
                ("failure_code", models.CharField(blank=True, max_length=100)),
                ("failure_message", models.CharField(blank=True, max_length=5000)),
                ("receipt_url", models.URLField(blank=True, max_length=5000)),
                (
                    "refunds_read_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When all of its refunds were last read from Stripe.",
                        null=True,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["customer", "-created_at", "-id"], name="billing_payment_list"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CreditNote",
            fields=[
                *COPY,
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="credit_notes", to="billing.customer"
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="credit_notes", to="billing.invoice"
                    ),
                ),
                ("number", models.CharField(blank=True, max_length=255)),
                (
                    "status",
                    models.CharField(
                        choices=[("issued", "Issued"), ("void", "Void")], max_length=100
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=100)),
                ("memo", models.TextField(blank=True)),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.BigIntegerField()),
                ("tax", models.BigIntegerField(default=0)),
                ("pre_payment_amount", models.BigIntegerField(default=0)),
                ("refunded", models.BigIntegerField(default=0)),
                ("out_of_band", models.BigIntegerField(default=0)),
                ("credited", models.BigIntegerField(default=0)),
                ("pdf_url", models.URLField(blank=True, max_length=5000)),
                ("created_at", models.DateTimeField()),
                ("voided_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        fields=["customer", "-created_at"], name="billing_credit_note_list"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                *COPY,
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="disputes", to="billing.customer"
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="disputes", to="billing.payment"
                    ),
                ),
                ("charge_id", models.CharField(blank=True, max_length=255)),
                ("status", models.CharField(choices=DISPUTE_STATUSES, max_length=100)),
                ("reason", models.CharField(blank=True, max_length=100)),
                ("network_reason_code", models.CharField(blank=True, max_length=100)),
                ("amount", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("evidence_due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "has_evidence",
                    models.BooleanField(
                        default=False,
                        help_text="Some is staged at Stripe, whether it was sent to the bank or not.",
                    ),
                ),
                (
                    "submission_count",
                    models.PositiveIntegerField(
                        default=0, help_text="How often evidence was sent to the bank."
                    ),
                ),
                ("is_charge_refundable", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(status__in=ANSWERABLE),
                        fields=["evidence_due_at"],
                        name="billing_dispute_to_answer",
                    )
                ],
            },
        ),
    ]

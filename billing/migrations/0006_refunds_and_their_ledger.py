"""Refunds, the policies that judge them, and the ledger of every step."""

import uuid

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
ORIGINS = [("member", "Member"), ("staff", "Staff"), ("stripe", "Stripe")]
REASONS = [
    ("duplicate", "Duplicate"),
    ("accidental", "Accidental"),
    ("not_used", "Not used"),
    ("not_as_expected", "Not as expected"),
    ("forgot_to_cancel", "Forgot to cancel"),
    ("goodwill", "Goodwill"),
    ("other", "Other"),
]
STATES = [
    ("requested", "Requested"),
    ("denied", "Denied"),
    ("withdrawn", "Withdrawn"),
    ("approved", "Approved"),
    ("sending", "Sending"),
    ("pending", "Pending"),
    ("requires_action", "Requires action"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("canceled", "Canceled"),
]
ACTIONS = [
    ("requested", "Requested"),
    ("given", "Given"),
    ("found", "Found"),
    ("approved_by_policy", "Approved by policy"),
    ("approved_first", "Approved first"),
    ("approved", "Approved"),
    ("second_asked", "Second asked"),
    ("denied", "Denied"),
    ("withdrawn", "Withdrawn"),
    ("overtaken", "Overtaken"),
    ("sending", "Sending"),
    ("refused", "Refused"),
    ("stripe", "Stripe"),
    ("reopened", "Reopened"),
]
TEXT_KINDS = [("actor", "Actor"), ("words", "Words"), ("earlier", "Earlier")]
AT_STRIPE = ["canceled", "failed", "pending", "requires_action", "succeeded"]


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_membership_decisions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [
        ("billing", "0014_refunds"),
        ("billing", "0019_why_a_refund_waits"),
        ("billing", "0023_ledger_heads_exported"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefundPolicy",
            fields=[
                ("id", ID),
                (
                    "version",
                    models.PositiveIntegerField(unique=True, validators=[MinValueValidator(1)]),
                ),
                ("currency", models.CharField(max_length=3)),
                ("rules", models.JSONField()),
                (
                    "note",
                    models.CharField(
                        blank=True,
                        help_text="What changed and why, for other staff.",
                        max_length=300,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "refund policy version", "ordering": ["-version"]},
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", ID),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="refunds", to="billing.payment"
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="refunds", to="billing.customer"
                    ),
                ),
                ("amount", models.BigIntegerField()),
                (
                    "amount_asked",
                    models.BigIntegerField(help_text="What was asked for; staff may approve less."),
                ),
                ("currency", models.CharField(max_length=3)),
                ("origin", models.CharField(choices=ORIGINS, max_length=10)),
                ("reason", models.CharField(blank=True, choices=REASONS, max_length=20)),
                (
                    "words",
                    models.TextField(blank=True, help_text="Of whoever asked.", max_length=1000),
                ),
                (
                    "cancels_membership",
                    models.BooleanField(default=False, help_text="The member wants to leave, too."),
                ),
                ("state", models.CharField(choices=STATES, max_length=20)),
                (
                    "policy",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="refunds",
                        to="billing.refundpolicy",
                    ),
                ),
                ("verdict", models.JSONField(blank=True, default=dict)),
                ("approvals_needed", models.PositiveSmallIntegerField(default=1)),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "first_approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Who approved it in the end, or denied it; nobody where the policy decided.",
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "answer",
                    models.TextField(
                        blank=True, help_text="Our words to the member.", max_length=1000
                    ),
                ),
                (
                    "problem",
                    models.TextField(blank=True, help_text="Why it is stuck or failed, for staff."),
                ),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                (
                    "stripe_id",
                    models.CharField(
                        blank=True, max_length=255, null=True, unique=True, verbose_name="Stripe id"
                    ),
                ),
                (
                    "read_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="last read from Stripe"
                    ),
                ),
                (
                    "failure_reason",
                    models.CharField(
                        blank=True,
                        help_text="Stripe's word for why it failed or was refused.",
                        max_length=100,
                    ),
                ),
                (
                    "pending_reason",
                    models.CharField(
                        blank=True, help_text="Stripe's word for what it waits for.", max_length=100
                    ),
                ),
                (
                    "answer_by",
                    models.DateTimeField(
                        blank=True,
                        help_text="Until when the member must say where the money is to go.",
                        null=True,
                    ),
                ),
                (
                    "reference",
                    models.CharField(
                        blank=True,
                        help_text="The number by which the bank finds it.",
                        max_length=255,
                    ),
                ),
                ("credit_note_id", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "sent_at",
                    models.DateTimeField(blank=True, help_text="When Stripe took it.", null=True),
                ),
                ("succeeded_at", models.DateTimeField(blank=True, null=True)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "permissions": [
                    ("approve_refund", "Can approve and deny refunds"),
                    ("approve_large_refund", "Can approve refunds that take two people"),
                    ("audit_refund", "Can read the ledger of refunds and verify it"),
                ],
                "indexes": [
                    models.Index(
                        fields=["customer", "-created_at", "-id"], name="billing_refund_list"
                    ),
                    models.Index(fields=["state", "created_at"], name="billing_refund_queue"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(amount__gt=0, amount_asked__gte=models.F("amount")),
                        name="billing_refund_of_an_amount",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(state="requested"),
                        fields=("payment",),
                        name="billing_one_undecided_refund",
                    ),
                    models.CheckConstraint(
                        condition=(
                            models.Q(first_approved_by=None)
                            | models.Q(decided_by=None)
                            | models.Q(state="denied")
                            | ~models.Q(first_approved_by=models.F("decided_by"))
                        ),
                        name="billing_refund_by_two_people",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(stripe_id=None) | models.Q(state__in=AT_STRIPE),
                        name="billing_refund_at_stripe",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundEntry",
            fields=[
                ("id", ID),
                ("number", models.PositiveBigIntegerField(unique=True)),
                (
                    "refund",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="entries", to="billing.refund"
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("actor_digest", models.CharField(blank=True, max_length=64)),
                ("action", models.CharField(choices=ACTIONS, max_length=20)),
                ("from_state", models.CharField(blank=True, choices=STATES, max_length=20)),
                ("to_state", models.CharField(choices=STATES, max_length=20)),
                ("amount", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("stripe_id", models.CharField(blank=True, max_length=255)),
                ("words_digest", models.CharField(blank=True, max_length=64)),
                ("policy_version", models.PositiveIntegerField(blank=True, null=True)),
                ("earlier_digest", models.CharField(blank=True, max_length=64)),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="LedgerText",
            fields=[
                ("id", ID),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=models.CASCADE, related_name="texts", to="billing.refundentry"
                    ),
                ),
                ("kind", models.CharField(choices=TEXT_KINDS, max_length=10)),
                ("text", models.TextField()),
                ("salt", models.CharField(max_length=32)),
            ],
            options={
                "ordering": ["entry_id", "kind"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("entry", "kind"), name="billing_one_text_of_a_kind"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                ("id", ID),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("entries", models.PositiveBigIntegerField(default=0)),
                ("head_hash", models.CharField(blank=True, max_length=64)),
                ("refunds_compared", models.PositiveIntegerField(default=0)),
                ("compared_with_stripe", models.BooleanField(default=False)),
                (
                    "head_exported",
                    models.BooleanField(
                        default=False, help_text="Its last line stands in the file of heads."
                    ),
                ),
                ("problems", models.JSONField(blank=True, default=list)),
            ],
            options={"verbose_name": "ledger check", "ordering": ["-id"]},
        ),
    ]

"""Payments: what members paid or tried to pay, what went back, and refunds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RadioFilter

from billing.admin import exports, labels
from billing.admin.copies import (
    Rows,
    StripeCopyAdmin,
    disputes_of,
    fraud_warnings_of,
    on_day,
)
from billing.admin.money_list import MoneyListAdmin, SumOfCurrency
from billing.admin.refunds import giving
from billing.admin.refunds.case import left_of, refunds_of
from billing.admin.refunds.dialogs import GiveOnPaymentForm
from billing.admin.refunds.giving import GivesRefunds
from billing.admin.stripe_links import stripe_url
from billing.core import texts
from billing.core.statuses import NOT_BY_STRIPE, OPEN_DISPUTE, DisputeStatus, PaymentStatus
from billing.facts import descriptions, income
from billing.models import Dispute, Invoice, Payment, Refund
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from common.money import Money
from common.spreadsheets import Cell
from common.staff import show
from common.staff.filters import by_day, titled
from common.staff.parts import button, column, row_or_404
from members.access import current_user
from members.signin.staff_recent import recently_signed_in

MOST_INVOICES = 50


class WayFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters by whether payments came through Stripe."""

    title = "how it came"
    parameter_name = "way"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both ways."""
        return [("stripe", "Through Stripe"), ("outside", "Outside Stripe")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        match self.value():
            case "stripe":
                return queryset.exclude(card_brand__in=NOT_BY_STRIPE)
            case "outside":
                return queryset.filter(card_brand__in=NOT_BY_STRIPE)
            case _:
                return queryset


class WentBackFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters successful payments by what went back."""

    title = "what went back"
    parameter_name = "went_back"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer refunds, lost disputes, and undecided ones."""
        return [
            ("nothing", "Nothing: paid and kept"),
            ("refunded", "Refunded, all or a part"),
            ("returned", income.RETURNED),
            ("disputed", "Disputed"),
        ]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        disputed = Dispute.objects.order_by().values("payment")
        match self.value():
            case "nothing":
                kept = queryset.filter(status=PaymentStatus.SUCCEEDED, amount_refunded=0)
                lost_or_open = {*OPEN_DISPUTE, DisputeStatus.LOST}
                return kept.exclude(pk__in=disputed.filter(status__in=lost_or_open))
            case "refunded":
                return queryset.filter(amount_refunded__gt=0)
            case "returned":
                return queryset.filter(pk__in=disputed.filter(status=DisputeStatus.LOST))
            case "disputed":
                return queryset.filter(pk__in=disputed.filter(status__in=OPEN_DISPUTE))
            case _:
                return queryset


@admin.register(Payment)
class PaymentAdmin(GivesRefunds, MoneyListAdmin, StripeCopyAdmin):
    """Payments: what members paid, or tried to."""

    stripe_path = "payments"
    actions_detail = ["open_in_stripe", "give"]
    search_fields = ["stripe_id__startswith"]
    amount_field = "amount"
    last4_field = "card_last4"
    search_help_text = (
        "Part of a name or email address, phone, amount, card’s last four, invoice number, what a"
        " single payment was for, or pi_…"
    )
    nothing = "Nobody has paid yet."
    list_display = [
        "who", "asked", "went_back", "state", "day_paid", "card_short", "problem",
    ]  # fmt: skip
    list_filter = [
        ("status", titled(ChoicesDropdownFilter, "whether it was paid")),
        WentBackFilter,
        WayFilter,
        ("paid_at", by_day("day paid")),
        ("created_at", by_day("day made")),
    ]
    sums = {
        "Received": Sum("amount_received"),
        "Refunded": Sum("amount_refunded"),
    }
    export_columns = exports.PAYMENT_COLUMNS
    fieldsets = [
        (None, {
            "fields": [
                "state", "member", "asked", "came", "refunded", "returned", "held",
                "net", "left", "what_for", "card",
            ],
        }),
        ("Dates", {"fields": ["made", "paid"]}),
        ("If it failed", {"fields": ["problem", "failure_code", "failure_message"]}),
        ("Belongs together", {
            "fields": [
                "customer_link", "invoice_link", "refunds", "disputes", "fraud_warnings",
                "receipt", "events",
            ],
        }),
        ("Copy of Stripe's record", {"fields": ["stripe_id", "charge_id", "read"]}),
    ]  # fmt: skip

    link_lookups = frozenset({"customer__id__exact"})

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Payments with their disputes: one more query for the whole page."""
        rows: Rows = super().get_queryset(request)
        return rows.prefetch_related("disputes")

    def stripe_page(self, row: Payment) -> str:
        """The payment's page, or the invoice's if it was paid outside of Stripe."""
        if row.is_outside and row.invoice:
            return stripe_url("invoices", row.invoice.stripe_id)
        return super().stripe_page(row)

    def add_up(self, rows: Rows) -> list[SumOfCurrency]:
        """Add up what arrived, what went back through refunds and disputes, and the rest."""
        returned, held = income.returned_of(rows), income.held_of(rows)
        outside = income.outside_of(rows)
        return [
            _less_taken(one, returned.get(code, 0), held.get(code, 0), outside.get(code, 0))
            for one in super().add_up(rows)
            for code in [one.currency.lower()]
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: Rows, search_term: str
    ) -> tuple[Rows, bool]:
        """Also find payments by invoice number, and single ones by what they were for.

        Invoices are looked up first.
        """
        matches, may_repeat = super().get_search_results(request, queryset, search_term)
        term = search_term.strip()
        if not term:
            return matches, may_repeat
        numbered = Q(number__istartswith=term) | Q(number__has_part=term)
        invoices = Invoice.objects.filter(numbered).order_by("pk")
        numbers = list(invoices.values_list("pk", flat=True)[:MOST_INVOICES])
        if numbers:
            matches |= queryset.filter(invoice__in=numbers)
        # An invoice's payment has no description of its own.
        return matches | queryset.filter(invoice=None, description__has_part=term), may_repeat

    def palette_title(self, row: Payment) -> str:
        """Whose, how much, and when."""
        return f"{show.name_of(row.customer.user)}: {on_day(row)}"

    @column("State", ordering="status")
    def state(self, row: Payment) -> SafeString:
        """Its state in its color."""
        return show.badge(*labels.payment(row))

    @column("Asked", ordering="amount")
    def asked(self, row: Payment) -> str:
        """The amount charged, as text."""
        return str(row.money)

    @column("Received", ordering="amount_received")
    def came(self, row: Payment) -> str:
        """What arrived: nothing if the try failed."""
        return show.money_or_dash(row.amount_received, row.currency)

    @column("Refunded", ordering="amount_refunded")
    def went_back(self, row: Payment) -> str:
        """What was refunded, or taken back by the bank."""
        return show.money_or_dash(row.amount_refunded + income.returned(row), row.currency)

    @column("Refunded")
    def refunded(self, row: Payment) -> str:
        """What was refunded."""
        return show.money_or_dash(row.amount_refunded, row.currency)

    @column(income.RETURNED)
    def returned(self, row: Payment) -> str:
        """What the bank took back through a lost dispute."""
        return show.money_or_dash(income.returned(row), row.currency)

    @column(income.HELD)
    def held(self, row: Payment) -> str:
        """What the bank holds until it has decided on a dispute."""
        return show.money_or_dash(income.held(row), row.currency)

    @column("Net")
    def net(self, row: Payment) -> str:
        """The rest, as Stripe's balance and the books have it now."""
        return show.money(income.net(row), row.currency)

    @column("Left to refund")
    def left(self, row: Payment) -> str:
        """What can still be refunded, and why not all of it."""
        if row.status != PaymentStatus.SUCCEEDED:
            return show.NOTHING
        if row.is_outside:
            return (
                "Nothing: it was paid outside Stripe. Give it back the way it came, and record that"
                " as a credit note in Stripe’s dashboard."
            )
        facts = refund_terms.facts_of(row)
        if facts.is_disputed:
            return "Nothing while the member’s bank asks about it: the dispute decides."
        if facts.is_charged_back:
            return "Nothing: the member’s bank took it back."
        return left_of(facts, refund_terms.credited_of([row]))

    @column("For")
    def what_for(self, row: Payment) -> str:
        """What it's for, in the member's words: Stripe's are "Subscription creation"."""
        return descriptions.of_one(row)

    @column("Made", ordering="created_at")
    def made(self, row: Payment) -> str:
        """The day of the first try."""
        return show.day(row.created_at)

    @column("Paid on", ordering="paid_at")
    def day_paid(self, row: Payment) -> SafeString:
        """The day the money arrived."""
        return show.one_line(show.day(row.paid_at))

    @column("Card")
    def card_short(self, row: Payment) -> SafeString:
        """ "Visa 4242"."""
        return show.one_line(texts.card_short(row.card_brand, row.card_last4) or show.NOTHING)

    def export_rows(self, rows: Rows) -> Iterator[list[Cell]]:
        """Rows for a bookkeeper."""
        return exports.payments(rows)

    @column("Paid")
    def paid(self, row: Payment) -> str:
        """When it went through."""
        return show.moment(row.paid_at)

    @column("Problem")
    def problem(self, row: Payment) -> str:
        """Why it failed, as the member reads it."""
        return texts.failure(row.failure_code, row.card_brand) if row.failure_code else show.NOTHING

    @column("Invoice")
    def invoice_link(self, row: Payment) -> SafeString | str:
        """Link to the invoice."""
        return show.link(row.invoice)

    @column("Refunds")
    def refunds(self, row: Payment) -> SafeString | str:
        """Links to each refund of it."""
        return refunds_of(Refund.objects.filter(payment=row))

    @recently_signed_in
    @button(
        "Refund",
        icon="undo",
        path=giving.PATH,
        permission="give",
        question="Refund this payment?",
        explanation=(
            "Nobody needs to have asked for it, and the policy’s days don’t count. At the policy’s"
            " amount or more, somebody else has to agree."
        ),
        form=GiveOnPaymentForm,
        is_primary=False,
    )
    def give(self, request: HttpRequest, form: GiveOnPaymentForm, object_id: str) -> HttpResponse:
        """Refund it without a request."""
        row, actor = row_or_404(Payment, object_id), current_user(request)
        return self.give_refund(
            request, form, row, lambda: [refunds.give(row.pk, actor, form.as_request())], self.give
        )

    @column("Disputes")
    def disputes(self, row: Payment) -> SafeString | str:
        """Links to each dispute of it."""
        return show.links(disputes_of(row))

    @column("Fraud warnings")
    def fraud_warnings(self, row: Payment) -> SafeString | str:
        """What its card's bank reports, with links."""
        return show.links(fraud_warnings_of(row))

    @column("Receipt")
    def receipt(self, row: Payment) -> SafeString | str:
        """Stripe's receipt."""
        return show.links([(row.receipt_url, "Stripe's receipt")] if row.receipt_url else [])


def _less_taken(
    received_sum: SumOfCurrency, returned: int, held: int, outside: int
) -> SumOfCurrency:
    """Add what came outside of Stripe, what banks took back or hold, and the rest."""
    received, refunded = received_sum.amounts  # as in `PaymentAdmin.sums`
    amounts = [received]
    if outside:
        amounts.append(("Of that outside Stripe", Money(outside, received_sum.currency)))
    amounts.append(refunded)
    if returned:
        amounts.append(("Returned by banks", Money(returned, received_sum.currency)))
    if held:
        amounts.append(("Held by banks in disputes", Money(held, received_sum.currency)))
    net = received[1].amount - refunded[1].amount - returned - held
    amounts.append(("Net", Money(net, received_sum.currency)))
    return SumOfCurrency(received_sum.currency, received_sum.count, amounts)

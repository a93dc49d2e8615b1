"""Payments that members make by Zelle: what they're to send, and what came."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RadioFilter

from billing.admin.bank import words
from billing.admin.bank.base import BankAdmin
from billing.bank import references
from billing.core.bank_statuses import AllocationState, ExpectedState
from billing.models import ExpectedTransfer, ZelleTerms
from common.money import Money
from common.staff import show
from common.staff.filters import by_day, titled
from common.staff.parts import column

Rows = QuerySet[Any]


def with_received(rows: Rows) -> Rows:
    """Add what a payment's row shows: the cents that came, and how its reference begins."""
    came = Sum("allocations__amount", filter=Q(allocations__state=AllocationState.CONFIRMED))
    prefix = Subquery(ZelleTerms.objects.values("prefix")[:1])
    added: Rows = rows.annotate(
        received_cents=Coalesce(came, 0), prefix=Coalesce(prefix, Value(""))
    )
    return added


def reference_of(row: Any) -> str:
    """Return the reference as the member sees it."""
    return references.shown(row.prefix.upper(), row.reference)


class BookedFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters paid ones by whether Stripe's books have them."""

    title = "whether it's booked at Stripe"
    parameter_name = "booked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("yes", "Booked"), ("no", "Paid, not booked yet")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        match self.value():
            case "yes":
                return queryset.exclude(booked_at=None)
            case "no":
                return queryset.filter(state=ExpectedState.CONFIRMED, booked_at=None)
            case _:
                return queryset


@admin.register(ExpectedTransfer)
class ExpectedTransferAdmin(BankAdmin):
    """Payments by Zelle."""

    person_field = "user_id"
    search_fields = ["payer_name__icontains", "description__icontains"]
    search_help_text = "Part of a name or email address, phone number, or a whole reference"
    list_display = ["who", "cost", "state_badge", "what", "reference_shown", "chosen", "until"]
    list_select_related = ["user"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("purpose", titled(ChoicesDropdownFilter, "what it's for")),
        BookedFilter,
        ("created_at", by_day("day chosen")),
        ("confirmed_at", by_day("day paid")),
    ]
    nothing = "Nobody has chosen to pay by Zelle yet."
    nothing_left = {"booked=no": "Every paid one is in Stripe's books."}
    link_lookups = frozenset({"user__id__exact"})
    fieldsets = [
        (None, {"fields": [
            "state_badge", "member", "cost", "received", "what", "purpose_words",
            "reference_shown", "payer",
        ]}),
        ("Dates", {"fields": ["chosen", "said", "announced", "confirmed", "until", "closed"]}),
        ("In Stripe's books", {"fields": ["booked", "trouble", "invoice_link", "request_link"]}),
        ("The money", {"fields": ["matches"]}),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Payments with what came for them."""
        return with_received(super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: Rows, search_term: str
    ) -> tuple[Rows, bool]:
        """Also find a payment by its reference, however it's written."""
        matches, may_repeat = super().get_search_results(request, queryset, search_term)
        prefix = ZelleTerms.objects.values_list("prefix", flat=True).first() or ""
        if named := references.read(search_term, prefix):
            matches |= queryset.filter(reference__in=named)
        return matches, may_repeat

    def palette_title(self, row: ExpectedTransfer) -> str:
        """Whose, how much, and for what."""
        return f"{show.name_of(row.user)}: {row}"

    @column("Member", header=True)
    def who(self, row: ExpectedTransfer) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.user), row.user.email]

    @column("Member")
    def member(self, row: ExpectedTransfer) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Amount", ordering="amount")
    def cost(self, row: Any) -> SafeString:
        """What's to be paid, or what's left of it."""
        return show.one_line(words.due(row, row.received_cents if row.is_open else 0))

    @column("Received")
    def received(self, row: Any) -> str:
        """What came by now."""
        return str(Money(row.received_cents, row.currency))

    @column("State", ordering="state")
    def state_badge(self, row: Any) -> SafeString:
        """Its state in its color."""
        if row.is_open and row.received_cents:
            return show.badge("Partly paid", "warning")
        if row.problem and row.state == ExpectedState.CONFIRMED and not row.booked_at:
            return show.badge("Paid, not booked", "danger")
        return show.state(row, "state", words.EXPECTED)

    @column("For")
    def what(self, row: ExpectedTransfer) -> str:
        """What it's for."""
        return row.description

    @column("Kind")
    def purpose_words(self, row: ExpectedTransfer) -> str:
        """What kind of payment it is."""
        return {str(key): text for key, text in words.PURPOSES.items()}[row.purpose]

    @column("Reference")
    def reference_shown(self, row: Any) -> SafeString:
        """What the member writes into the memo."""
        return show.one_line(reference_of(row))

    @column("Payer, as the member says")
    def payer(self, row: ExpectedTransfer) -> str:
        """Whose account it comes from."""
        return row.payer_name or show.NOTHING

    @column("Chosen", ordering="created_at")
    def chosen(self, row: ExpectedTransfer) -> SafeString:
        """When the member chose to pay by Zelle."""
        return show.when(row.created_at)

    @column("Said to be sent")
    def said(self, row: ExpectedTransfer) -> str:
        """When the member said that they've sent it."""
        return show.moment(row.said_sent_at)

    @column("Announced by the bank")
    def announced(self, row: ExpectedTransfer) -> str:
        """When the bank's email named it."""
        return show.moment(row.announced_at)

    @column("Paid")
    def confirmed(self, row: ExpectedTransfer) -> str:
        """When all of it counted."""
        return show.moment(row.confirmed_at)

    @column("Can be paid until", ordering="expires_at")
    def until(self, row: ExpectedTransfer) -> str:
        """The last day."""
        return show.day(row.expires_at)

    @column("Expired or canceled")
    def closed(self, row: ExpectedTransfer) -> str:
        """When."""
        return show.moment(row.closed_at)

    @column("Booked")
    def booked(self, row: ExpectedTransfer) -> str:
        """When Stripe's books got it."""
        return show.moment(row.booked_at)

    @column("Problem")
    def trouble(self, row: ExpectedTransfer) -> str:
        """Why it isn't booked yet."""
        return row.problem or show.NOTHING

    @column("Invoice")
    def invoice_link(self, row: ExpectedTransfer) -> SafeString | str:
        """Link to the invoice."""
        return show.link(row.invoice)

    @column("Payment request")
    def request_link(self, row: ExpectedTransfer) -> SafeString | str:
        """Link to the payment request."""
        return show.link(row.request)

    @column("Matches")
    def matches(self, row: ExpectedTransfer) -> SafeString | str:
        """Links to the money that came for it."""
        rows = row.allocations.select_related("transfer")
        return show.links(
            [
                (show.page_of(one), f"{one.money} of {one.transfer} ({one.get_state_display()})")
                for one in rows
            ]
        )

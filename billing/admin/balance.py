"""Stripe's balance on the staff site: its transactions, and what each payout is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RadioFilter

from billing.admin import books_pages, labels
from billing.admin.balance_rows import JOINED, cause_of, user_of
from billing.admin.money_list import MoneyListAdmin, SumOfCurrency
from billing.core import book_words
from billing.core.statuses import PayoutStatus
from billing.models import BalanceTransaction, Payout
from common.money import Money
from common.spreadsheets import Cell, Row
from common.staff import show
from common.staff.exporting import FETCHED
from common.staff.filters import by_day, titled
from common.staff.parts import column

SHOWN = 200
# What the list of payouts adds up: what has arrived at the bank, and what's on its way there. What
# failed or was canceled is in the balance again.
PAID_OUT = {
    "Arrived": (PayoutStatus.PAID,),
    "On its way": (PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT),
    "Came back": (PayoutStatus.FAILED, PayoutStatus.CANCELED),
}


class CategoryFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters by what moved the money."""

    title = "what it is"
    parameter_name = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the categories that Stripe has most often."""
        return list(book_words.CATEGORIES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those."""
        return queryset.filter(category=self.value()) if self.value() else queryset


@admin.register(BalanceTransaction)
class BalanceTransactionAdmin(MoneyListAdmin):
    """Every amount that came into Stripe's balance or left it."""

    search_fields = ["stripe_id", "source_id"]
    search_help_text = "txn_…, or the id of what caused it: ch_…, re_…, du_…, po_…"
    nothing = "Stripe’s balance is read every few minutes. Nothing has moved in it yet."
    link_lookups = frozenset({"paid_out_in", "dispute"})
    list_display = ["what", "whose", "gross", "fee_amount", "net_amount", "made", "left_in"]
    list_select_related = JOINED
    list_filter = [CategoryFilter, ("created_at", by_day("day it moved"))]
    sums: ClassVar[dict[str, Any]] = {"Gross": Sum("amount"), "Fees": Sum("fee"), "Net": Sum("net")}
    export_columns = [
        *("Date", "What", "Member", "Currency", "Gross", "Fee", "Net", "Available", "Payout"),
        *("Cause", "Transaction"),
    ]
    fieldsets = [
        (None, {"fields": ["what", "gross", "fee_amount", "fee_parts", "net_amount", "rate"]}),
        ("Dates", {"fields": ["made", "available"]}),
        ("Related", {"fields": ["whose", "cause", "left_in", "description"]}),
        (
            "Copy of Stripe's record",
            {"fields": ["kind", "category", "balance_type", "source_id", "stripe_id", "read"]},
        ),
    ]

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of the books."""
        return [*books_pages.urls(self), *super().get_urls()]

    def export_rows(self, rows: QuerySet[BalanceTransaction]) -> Iterator[list[Cell]]:
        """Return them with amounts as the list shows them."""
        zone = timezone.get_current_timezone()
        found = rows.select_related(*JOINED).iterator(chunk_size=FETCHED)
        return (_exported(row, zone) for row in found)

    @column("Last read from Stripe")
    def read(self, row: BalanceTransaction) -> str:
        """When the row was last known to be current."""
        return show.moment(row.read_at)

    @column("What", ordering="category")
    def what(self, row: BalanceTransaction) -> str:
        """Stripe's reporting category in words."""
        return book_words.category(row.category)

    @column("Member")
    def whose(self, row: BalanceTransaction) -> SafeString | str:
        """Link to the member whose money it is."""
        return show.member(user_of(row))

    @column("Caused by")
    def cause(self, row: BalanceTransaction) -> SafeString | str:
        """Link to what moved the money."""
        return show.link(cause_of(row))

    @column("Gross", ordering="amount")
    def gross(self, row: BalanceTransaction) -> str:
        """What came or left."""
        return str(row.money)

    @column("Fee", ordering="fee")
    def fee_amount(self, row: BalanceTransaction) -> str:
        """What Stripe kept."""
        return show.money_or_dash(row.fee, row.currency)

    @column("Made up of")
    def fee_parts(self, row: BalanceTransaction) -> str:
        """The fee's parts in words."""
        parts = [
            f"{book_words.fee(one['type'], row.category)} {Money(one['amount'], row.currency)}"
            for one in row.fees
        ]
        return ", ".join(parts) or show.NOTHING

    @column("Net", ordering="net")
    def net_amount(self, row: BalanceTransaction) -> str:
        """What the balance changed by."""
        return str(row.money_net)

    @column("Exchange rate")
    def rate(self, row: BalanceTransaction) -> str:
        """How Stripe converted it, if it was paid in another currency."""
        return f"{row.exchange_rate.normalize():f}" if row.exchange_rate else show.NOTHING

    @column("Moved", ordering="created_at")
    def made(self, row: BalanceTransaction) -> str:
        """The day that counts in the books."""
        return show.day(row.created_at)

    @column("Available from")
    def available(self, row: BalanceTransaction) -> str:
        """From when it can be paid out."""
        return show.day(row.available_at)

    @column("Paid out in")
    def left_in(self, row: BalanceTransaction) -> SafeString | str:
        """Link to the payout that brought it to the bank."""
        return show.link(row.paid_out_in)


@admin.register(Payout)
class PayoutAdmin(MoneyListAdmin):
    """What Stripe sent to the bank account."""

    stripe_path = "payouts"
    actions_detail = ["open_in_stripe"]
    search_fields = ["stripe_id", "trace"]
    search_help_text = "po_…, or the bank’s reference"
    nothing = "Stripe has paid nothing out yet."
    list_display = ["money", "state", "arrives", "made", "way", "trace"]
    list_filter = [
        ("status", titled(ChoicesDropdownFilter, "state")),
        ("arrives_at", by_day("day it arrives")),
    ]
    sums: ClassVar[dict[str, Any]] = {
        words: Sum("amount", filter=Q(status__in=statuses)) for words, statuses in PAID_OUT.items()
    }
    export_columns = [
        *("Arrives", "Made", "Currency", "Amount", "State", "Way", "Reference", "Payout"),
    ]
    fieldsets = [
        (None, {"fields": ["money", "state", "failure", "arrives", "made", "way", "trace"]}),
        ("What it pays out", {"fields": ["made_of"]}),
        ("Copy of Stripe's record", {"fields": ["description", "stripe_id", "read"]}),
    ]

    def add_up(self, rows: QuerySet[Any]) -> list[SumOfCurrency]:
        """Keep what's on its way apart from what has arrived; say nothing of what there isn't."""
        return [
            replace(
                one, amounts=[part for part in one.amounts if part[1].amount] or one.amounts[:1]
            )
            for one in super().add_up(rows)
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out why it failed if it didn't."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj and (obj.failure_message or obj.failure_code):
            return fieldsets
        return [
            (title, {**one, "fields": [name for name in one["fields"] if name != "failure"]})
            for title, one in fieldsets
        ]

    def export_rows(self, rows: QuerySet[Payout]) -> Iterable[Row]:
        """Return them with amounts as the list shows them."""
        zone = timezone.get_current_timezone()
        return (
            [
                row.arrives_at.astimezone(zone).date(),
                row.created_at.astimezone(zone).date(),
                row.currency.upper(),
                row.money,
                row.get_status_display(),
                self.way(row),
                row.trace,
                row.stripe_id,
            ]
            for row in rows.iterator(chunk_size=FETCHED)
        )

    @column("Last read from Stripe")
    def read(self, row: Payout) -> str:
        """When the row was last known to be current."""
        return show.moment(row.read_at)

    @column("Amount", ordering="amount")
    def money(self, row: Payout) -> str:
        """The amount as text."""
        return str(row.money)

    @column("State", ordering="status")
    def state(self, row: Payout) -> SafeString:
        """Stripe's status in its color."""
        return show.state(row, "status", labels.PAYOUT)

    @column("Why it failed")
    def failure(self, row: Payout) -> str:
        """The bank's reason."""
        return row.failure_message or row.failure_code.replace("_", " ") or show.NOTHING

    @column("Arrives", ordering="arrives_at")
    def arrives(self, row: Payout) -> str:
        """The day on which the bank has it."""
        return show.day(row.arrives_at)

    @column("Made", ordering="created_at")
    def made(self, row: Payout) -> str:
        """The day on which it left the balance."""
        return show.day(row.created_at)

    @column("Way")
    def way(self, row: Payout) -> str:
        """Who started it."""
        return "Automatic" if row.automatic else "By hand"

    @column("Payments and what was taken from them")
    def made_of(self, row: Payout) -> SafeString:
        """Everything that adds up to the amount."""
        return SafeString(render_to_string("admin/billing/made_of.html", made_of(row)))


def made_of(payout: Payout) -> dict[str, Any]:
    """Return what a payout pays out, and whether it adds up: three queries."""
    rows = payout.paid_out.exclude(payout=payout, kind="payout")
    sums = rows.aggregate(gross=Sum("amount"), fees=Sum("fee"), net=Sum("net"))
    shown = list(rows.select_related(*JOINED).order_by("created_at", "pk")[:SHOWN])
    total = rows.count() if len(shown) == SHOWN else len(shown)
    money = {name: Money(value or 0, payout.currency) for name, value in sums.items()}
    return {
        "payout": payout,
        "is_known": bool(shown),
        "lines": [_line(one) for one in shown],
        **money,
        "missing": Money(payout.amount - money["net"].amount, payout.currency),
        "more": total - len(shown),
        "list_url": show.list_of("billing.balancetransaction", paid_out_in=payout.pk),
    }


def _line(row: BalanceTransaction) -> dict[str, Any]:
    user, cause = user_of(row), cause_of(row)
    return {
        "day": show.day(row.created_at),
        "what": book_words.category(row.category),
        "who": show.name_of(user) if user else "",
        "url": show.page_of(cause or row),
        "gross": row.money,
        "fee": Money(-row.fee, row.currency) if row.fee else None,
        "net": row.money_net,
    }


def _exported(row: BalanceTransaction, zone: Any) -> list[Cell]:
    user = user_of(row)
    return [
        row.created_at.astimezone(zone).date(),
        book_words.category(row.category),
        show.name_of(user) if user else "",
        row.currency.upper(),
        *(Money(amount, row.currency) for amount in (row.amount, -row.fee, row.net)),
        row.available_at.astimezone(zone).date(),
        row.paid_out_in.stripe_id if row.paid_out_in else "",
        row.source_id,
        row.stripe_id,
    ]

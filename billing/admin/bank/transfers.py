"""All transfers by Zelle: in and out, announced and on the account, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Upper
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RadioFilter
from unfold.dataclasses import UnfoldAction

from billing.admin.acting import Acting
from billing.admin.bank import hand_page, match_page, words
from billing.admin.bank.base import BankAdmin
from billing.admin.bank.dialogs import BecauseForm
from billing.admin.bank.transfer_page import page_of
from billing.admin.money_list import MoneyListAdmin
from billing.core.bank_statuses import AllocationState, Direction
from billing.core.statuses import ZELLE
from billing.facts.bank_balances import ties
from billing.facts.unproved import unproved
from billing.models import BankTransfer, Refund
from billing.zelle import allocating
from billing.zelle.checks import AllocationError
from common.money import AmountError, Money, parse_money
from common.spreadsheets import Cell
from common.staff import show
from common.staff.exporting import FETCHED
from common.staff.filters import by_date
from common.staff.parts import button, column, page_button
from members.access import current_user
from members.signin.staff_recent import recently_signed_in

Rows = QuerySet[Any]
BACK, ASIDE, MATCH = "bring_back", "set_aside", "match_by_hand"
EXPORTED = [
    *("Date", "Direction", "Name", "Memo", "Currency", "Amount", "Counted", "Left", "Standing"),
    *("On the account", "Announced", "Number", "Account"),
]


def with_sums(rows: Any) -> Rows:
    """Add `counted`, the cents that count or are proposed, and `proposed`, of these."""
    proposed = Q(allocations__state=AllocationState.PROPOSED)
    added: Rows = rows.with_allocated().annotate(
        proposed=Sum("allocations__amount", filter=proposed, default=0)
    )
    return added


class WayFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters by which way the money went."""

    title = "which way"
    parameter_name = "way"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [(Direction.IN.value, "Money in"), (Direction.OUT.value, "Money out")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        ways = {one.value for one in Direction}
        return queryset.filter(direction=self.value()) if self.value() in ways else queryset


class ProofFilter(RadioFilter):  # type: ignore[misc]
    """Filters by who told of the money."""

    title = "who told of it"
    parameter_name = "told"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer what one source says without the other."""
        return [
            ("account", "On the account"),
            ("announced", "Only announced by email"),
            ("missing", "Announced, and no file has had it in time"),
            ("silent", "On the account, without an email"),
        ]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        match self.value():
            case "account":
                return queryset.exclude(line=None)
            case "announced":
                return queryset.filter(line=None)
            case "missing":
                return queryset.filter(pk__in=unproved(timezone.now()).values("pk"))
            case "silent":
                return queryset.filter(mail=None)
            case _:
                return queryset


class StandingFilter(RadioFilter):  # type: ignore[misc]
    """Filters by what the money counts for."""

    title = "what became of it"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer each."""
        return [
            ("matched", "Matched: all of it counts"),
            ("proposed", "To confirm: proposed"),
            ("partly", "Partly matched"),
            ("open", "To match: all or a part"),
            ("aside", "Set aside"),
            ("refund", "Sent as a refund"),
        ]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        incoming = queryset.filter(direction=Direction.IN)
        kept: dict[str, Callable[[], Rows]] = {
            "matched": lambda: incoming.filter(counted__gte=F("amount"), proposed=0),
            "proposed": lambda: incoming.filter(proposed__gt=0),
            "partly": lambda: incoming.filter(counted__gt=0, counted__lt=F("amount")),
            "open": lambda: incoming.filter(set_aside_at=None, counted__lt=F("amount")),
            "aside": lambda: queryset.exclude(set_aside_at=None),
            "refund": lambda: _refunds(queryset),
        }
        chosen = kept.get(str(self.value()))
        return chosen() if chosen else queryset


@admin.register(BankTransfer)
class BankTransferAdmin(Acting, BankAdmin, MoneyListAdmin):
    """Transfers: those that came and those that went."""

    refusal = AllocationError
    list_before_template = "admin/billing/bank/money.html"
    search_fields = [
        "name__icontains",
        "memo__icontains",
        "mail__transaction__icontains",
        "line__transaction__icontains",
    ]
    search_help_text = "Any part of a name, memo or number, or an amount like 40.00"
    list_display = ["day", "who", "cost", "standing", "proof", "memo_short"]
    list_select_related = ["mail", "line"]
    list_filter = [WayFilter, ProofFilter, StandingFilter, ("on", by_date("day"))]
    nothing = "No money has come by Zelle yet. Import your bank's file, or have its emails read."
    nothing_left = {
        "standing=open": "All money is matched.",
        "told=missing": "All that was announced is on the account.",
    }
    sums = {
        "In": Sum("amount", filter=Q(direction=Direction.IN), default=0),
        "Out": Sum("amount", filter=Q(direction=Direction.OUT), default=0),
    }
    export_columns = EXPORTED
    actions_list = ["to_match"]
    actions_detail = [MATCH, ASIDE, BACK]
    change_form_outer_before_template = "admin/billing/bank/transfer.html"

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Transfers with what counts of them, or is proposed."""
        return with_sums(super().get_queryset(request)).defer("mail__content")

    def get_urls(self) -> list[Any]:
        """Add the page where payments are chosen for one."""
        return [*hand_page.urls(self), *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: Rows, search_term: str
    ) -> tuple[Rows, bool]:
        """Also find an amount."""
        matches, may_repeat = super().get_search_results(request, queryset, search_term)
        try:
            amount = parse_money(search_term, "usd")
        except AmountError:
            return matches, may_repeat
        return matches | queryset.filter(amount=amount), may_repeat

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The page is a story, not a form."""
        return []

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show above the list whether the accounts' lines tie to their balances."""
        told = {"ties": ties()} if self.has_view_permission(request) else {}
        return super().changelist_view(request, told | (extra_context or {}))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add what mail and file say, and what the money counts for."""
        row = self._of(object_id) if self.has_view_permission(request) else None
        if row:
            user = current_user(request)
            shown = page_of(row, user if self.has_match_permission(request) else None)
            extra_context = {**(extra_context or {}), "page": shown, "title": shown.headline}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Show only buttons that would be accepted."""
        row = self._of(object_id)
        if row is None or row.direction == Direction.OUT:
            return []
        shown: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        if row.set_aside_at:
            wanted = {BACK}
        else:
            wanted = {MATCH, ASIDE} if row.counted < row.amount else set()
        return [one for one in shown if one.path in wanted]

    def palette_title(self, row: BankTransfer) -> str:
        """How much, whose, and when."""
        return f"{row} on {row.on:%b} {row.on.day}"

    def export_rows(self, rows: Rows) -> Iterator[list[Cell]]:
        """Rows for a bookkeeper, one for each transfer."""
        joined = rows.select_related("mail", "line__account")
        joined = joined.defer("mail__content")
        return (_exported(row) for row in joined.iterator(chunk_size=FETCHED))

    @column("Day", ordering="on")
    def day(self, row: BankTransfer) -> SafeString:
        """The day it was sent."""
        return show.one_line(f"{row.on:%b} {row.on.day}, {row.on.year}")

    @column("From or to", ordering="name")
    def who(self, row: BankTransfer) -> str:
        """ "from Jane Doe"."""
        return words.way(row)

    @column("Amount", ordering="amount")
    def cost(self, row: BankTransfer) -> SafeString:
        """What moved; below zero it went out."""
        return show.one_line(words.signed(row))

    @column("What became of it")
    def standing(self, row: Any) -> SafeString:
        """Whether it's matched."""
        return words.standing(row, row.counted, row.proposed)

    @column("Told by")
    def proof(self, row: BankTransfer) -> SafeString:
        """Whether a file has it."""
        return words.proof(row)

    @column("Memo")
    def memo_short(self, row: BankTransfer) -> str:
        """What the payer wrote."""
        return row.memo[:60] or show.NOTHING

    @page_button("Money to match", icon="join_inner", path="to-match", permission="view")
    def to_match(self, request: HttpRequest) -> HttpResponse:
        """Go to the page where money is matched."""
        return redirect(match_page.PAGE)

    @page_button("Match by hand", icon="join_inner", path=MATCH, permission="match")
    def match_by_hand(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the page where payments are chosen for it."""
        return redirect(hand_page.PAGE, object_id)

    @recently_signed_in
    @button(
        "Set aside",
        icon="inventory",
        path=ASIDE,
        permission="match",
        question="Is this money for no payment?",
        explanation=(
            "What's left of it no longer waits to be matched. You can bring it back. Zelle takes"
            " nothing back: to return money, send it again in your bank's app."
        ),
        form=BecauseForm,
        is_primary=False,
    )
    def set_aside(self, request: HttpRequest, form: BecauseForm, object_id: str) -> HttpResponse:
        """Set it aside."""
        because = form.cleaned_data["because"]
        return self._act(
            request,
            object_id,
            lambda row: allocating.set_aside(row.pk, current_user(request), because),
            f"Set aside: {because}",
        )

    @recently_signed_in
    @button(
        "Bring back",
        icon="undo",
        path=BACK,
        permission="match",
        question="Match this money after all?",
        explanation="It waits to be matched again.",
    )
    def bring_back(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """Let it be matched again."""
        return self._act(
            request,
            object_id,
            lambda row: allocating.bring_back(row.pk, current_user(request)),
            "Brought back. It waits to be matched.",
        )

    def _of(self, object_id: Any) -> Any:
        if not str(object_id).isdecimal():
            return None
        rows = with_sums(BankTransfer.objects.all()).select_related(
            "mail", "line__account", "line__file", "set_aside_by"
        )
        return rows.defer("mail__content").filter(pk=object_id).first()


def _refunds(rows: Rows) -> Rows:
    """Keep what went out under the number of a refund, as staff entered it or a file told."""
    numbers = Refund.objects.filter(payment__card_brand=ZELLE).exclude(reference="")
    upper = numbers.order_by().annotate(number=Upper("reference")).values("number")
    out = rows.filter(direction=Direction.OUT).alias(
        of_line=Upper("line__transaction"), of_mail=Upper("mail__transaction")
    )
    kept: Rows = out.filter(Q(of_line__in=upper) | Q(of_mail__in=upper))
    return kept


def _exported(row: Any) -> list[Cell]:
    is_out = row.direction == Direction.OUT
    left = 0 if is_out or row.set_aside_at else max(0, row.amount - row.counted)
    return [
        row.on,
        "Out" if is_out else "In",
        row.name,
        row.memo,
        row.currency.upper(),
        Money(-row.amount if is_out else row.amount, row.currency),
        Money(row.counted, row.currency),
        Money(left, row.currency),
        words.standing_words(row, row.counted, row.proposed)[0],
        row.line.posted_on if row.line else None,
        "Yes" if row.mail else "No",
        row.transaction,
        row.line.account.name if row.line else "",
    ]

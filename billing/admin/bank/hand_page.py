"""The page where payments are chosen for one transfer by hand, with search; it may be split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from billing.admin.bank import candidates_shown, words
from billing.admin.bank.candidates_shown import ShownCandidate, ShownMoney, ShownPayment
from billing.admin.bank.match_page import NOT_YET
from billing.bank import references
from billing.core.bank_statuses import EXPECTED_OPEN, ExpectedState
from billing.facts import zelle
from billing.models import BankTransfer, ExpectedTransfer
from billing.zelle import allocating, candidates
from billing.zelle.checks import AllocationError
from common.money import AmountError, parse_money, typed_amount
from common.staff import show
from common.staff.parts import row_or_404
from members.access import current_user
from members.search import people
from members.signin.staff_recent import ask_who_is_there

PAGE = "admin:billing_banktransfer_hand"
MOST, MOST_MEMBERS, LONGEST_TERM = 30, 10, 100


@dataclass
class Choice:
    """A payment that can be chosen, with the amount that would count for it as it was typed."""

    shown: ShownCandidate
    amount: str
    is_chosen: bool = False
    error: str = ""

    @property
    def payment(self) -> ShownPayment:
        """The payment."""
        return self.shown.payment


@dataclass
class HandPage:
    """Everything on the page."""

    money: ShownMoney
    term: str = ""
    choices: list[Choice] = field(default_factory=list)
    # People who match the search, and await nothing.
    others: list[tuple[str, str]] = field(default_factory=list)

    def take_parts(self) -> dict[int, int]:
        """Return what was chosen, in cents. Each choice that can't be read gets an error."""
        found = {}
        for one in self.choices:
            if not one.is_chosen:
                continue
            try:
                found[one.payment.pk] = parse_money(one.amount, self.money.currency)
            except AmountError as error:
                one.error = str(error)
        return found

    @property
    def has_errors(self) -> bool:
        """Whether something can't be read."""
        return any(one.error for one in self.choices)


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the page's address."""

    def view(request: HttpRequest, object_id: str) -> HttpResponse:
        if not model_admin.has_match_permission(request):
            raise PermissionDenied
        row_or_404(BankTransfer, object_id)
        rows = BankTransfer.objects.with_allocated().select_related("line")
        return _answer(model_admin, request, rows.get(pk=object_id))

    guarded = model_admin.admin_site.admin_view(view)
    return [path("<path:object_id>/match/", guarded, name="billing_banktransfer_hand")]


def _answer(model_admin: Any, request: HttpRequest, row: BankTransfer) -> HttpResponse:
    page = page_of(row, request.POST)
    if request.method != "POST" or "match" not in request.POST:
        return _show(model_admin, request, row, page)
    if asked := ask_who_is_there(request, reverse(PAGE, args=[row.pk])):
        messages.warning(request, NOT_YET)
        return asked
    parts = page.take_parts()
    if page.has_errors:
        return _show(model_admin, request, row, page, status=422)
    try:
        made = allocating.allocate(row.pk, parts, current_user(request))
    except (AllocationError, PermissionDenied) as error:
        messages.error(request, str(error))
        return _show(model_admin, request, row, page, status=422)
    for one in made:
        model_admin.log_change(request, row, words.came_to(one))
        messages.success(request, words.came_to(one))
    return redirect(show.page_of(row))


def _show(
    model_admin: Any, request: HttpRequest, row: BankTransfer, page: HandPage, status: int = 200
) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "model_admin": model_admin,
        "title": f"What is this {row.money} for?",
        "content_title": f"What is this {row.money} for?",
        "page": page,
        "back": show.page_of(row),
    }
    return TemplateResponse(request, "admin/billing/bank/hand.html", context, status=status)


def page_of(row: BankTransfer, typed: Any) -> HandPage:
    """Return the page: what was chosen, then what a search found, then what's likely."""
    term = str(typed.get("q", "")).replace("\0", "").strip()[:LONGEST_TERM]
    found = {one.awaited.pk: one for one in candidates.suggestions(row)}
    chosen = [int(one) for one in typed.getlist("pick") if _is_key(one)] if typed else []
    listed = list(dict.fromkeys([*chosen, *(_search(term) if term else []), *found]))
    shown, money = candidates_shown.payments(listed), candidates_shown.money(row)
    page = HandPage(money, term)
    for pk in [pk for pk in listed if pk in shown]:
        some = shown[pk]
        part = min(money.left, some.missing)
        one = (
            candidates_shown.candidate(found[pk], some, money)
            if pk in found
            else ShownCandidate(some, 0, [], part, candidates_shown.outcome(money, some, part))
        )
        amount = typed.get(f"amount_{pk}") or typed_amount(part, money.currency)
        page.choices.append(Choice(one, amount, is_chosen=pk in chosen))
    page.others = _others(term, shown.values()) if term else []
    return page


def _search(term: str) -> list[int]:
    """Return the payments that can still be paid and match: by person, reference, amount, words."""
    matches = Q(user__in=people(term)) | Q(description__icontains=term)
    matches |= Q(payer_name__icontains=term)
    if named := references.read(term, zelle.terms().prefix):
        matches |= Q(reference__in=named)
    if amount := _cents(term):
        matches |= Q(amount=amount)
    states = sorted([*EXPECTED_OPEN, ExpectedState.EXPIRED])
    rows = ExpectedTransfer.objects.filter(matches, state__in=states).order_by("-id")
    return list(rows.values_list("pk", flat=True)[:MOST])


def _cents(term: str) -> int | None:
    """Return a search for an amount in cents; None if it's for something else."""
    try:
        return parse_money(term, "usd")
    except AmountError:
        return None


def _others(term: str, shown: Iterable[ShownPayment]) -> list[tuple[str, str]]:
    """Return the members who match and await nothing: they have to be asked to pay first."""
    awaiting = {one.member_url for one in shown}
    rows = User.objects.filter(pk__in=people(term)[: MOST + MOST_MEMBERS])
    links = [(show.page_of(one), show.name_of(one)) for one in rows]
    return [one for one in links if one[0] not in awaiting][:MOST_MEMBERS]


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19

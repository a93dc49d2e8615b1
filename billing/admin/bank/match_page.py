"""The page where money is matched with payments: the sure ones together, the others one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from billing.admin.bank import candidates_shown, words
from billing.admin.bank.candidates_shown import ShownCandidate, ShownMoney
from billing.bank.matching import Candidate
from billing.core.bank_statuses import AllocationState
from billing.models import Allocation, BankTransfer, ExpectedTransfer
from billing.zelle import allocating, candidates
from billing.zelle.checks import AllocationError
from common.staff import show
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there

PAGE = "admin:billing_allocation_match"
# More would make the page slow; what's matched makes room for the next.
MOST, MOST_CANDIDATES = 50, 3
NOT_YET = "Nothing was matched yet: first confirm that it's you, then press the button again."


@dataclass(frozen=True)
class Sure:
    """Money whose payment is sure. `key` names both in the form."""

    key: str
    money: ShownMoney
    candidate: ShownCandidate


@dataclass(frozen=True)
class Proposed:
    """A match that waits for somebody, or for somebody else."""

    pk: int
    transfer_url: str
    amount: str
    payer: str
    member: str
    description: str
    waits: str
    can_confirm: bool


@dataclass(frozen=True)
class Doubtful:
    """Money with the payments that it may be for, if there are any.

    `named` says which payment the memo names that nothing is awaited for.
    """

    money: ShownMoney
    candidates: list[ShownCandidate]
    named: str = ""
    named_url: str = ""


@dataclass(frozen=True)
class ToMatch:
    """Everything on the page."""

    sure: list[Sure] = field(default_factory=list)
    proposed: list[Proposed] = field(default_factory=list)
    doubtful: list[Doubtful] = field(default_factory=list)
    unknown: list[Doubtful] = field(default_factory=list)
    more: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not (self.sure or self.proposed or self.doubtful or self.unknown)


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the page's address."""

    def view(request: HttpRequest) -> HttpResponse:
        if not model_admin.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return _act(model_admin, request)
        return _page(model_admin, request)

    guarded = model_admin.admin_site.admin_view(view)
    return [path("to-match/", guarded, name="billing_allocation_match")]


def _page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    page = to_match(current_user(request).pk)
    context = {
        **model_admin.admin_site.each_context(request),
        "model_admin": model_admin,
        "title": "Money to match",
        "content_title": "Money to match",
        "page": page,
        "may_match": model_admin.has_match_permission(request),
        "may_confirm": any(one.can_confirm for one in page.proposed),
        "everything": show.all_of("billing.banktransfer"),
        "imports": reverse("admin:billing_bankfile_changelist"),
    }
    return TemplateResponse(request, "admin/billing/bank/match.html", context)


def to_match(actor_pk: int) -> ToMatch:
    """Read everything that waits to be matched."""
    sure = candidates.sure()
    settled = {transfer.pk for transfer, _best in sure}
    waiting = BankTransfer.objects.unmatched().exclude(pk__in=settled).select_related("line")
    rows = list(waiting.order_by("on", "pk")[: MOST + 1])
    found = _candidates_of(rows[:MOST])
    known = candidates_shown.payments(
        [
            *(best.awaited.pk for _transfer, best in sure),
            *(one.awaited.pk for some in found.values() for one in some[:MOST_CANDIDATES]),
        ]
    )
    over = candidates.no_longer_awaited(rows[:MOST])
    cards = [_doubtful(row, found[row.pk], known, over.get(row.pk)) for row in rows[:MOST]]
    return ToMatch(
        sure=_sure(sure, known),
        proposed=_proposed(actor_pk),
        doubtful=[card for card in cards if card.candidates],
        unknown=[card for card in cards if not card.candidates],
        more=waiting.count() - MOST if len(rows) > MOST else 0,
    )


def _candidates_of(rows: Sequence[BankTransfer]) -> dict[int, list[Candidate]]:
    return {row.pk: found for row, found in candidates.of_transfers(rows)}


def _sure(pairs: Sequence[tuple[BankTransfer, Candidate]], known: Any) -> list[Sure]:
    pks = [transfer.pk for transfer, _best in pairs]
    rows = BankTransfer.objects.with_allocated().select_related("line").in_bulk(pks)
    made = []
    for transfer, best in pairs:
        money = candidates_shown.money(rows[transfer.pk])
        if best.awaited.pk in known:
            shown = candidates_shown.candidate(best, known[best.awaited.pk], money)
            made.append(Sure(f"{transfer.pk}:{best.awaited.pk}", money, shown))
    return made


def _doubtful(
    row: BankTransfer, found: Sequence[Candidate], known: Any, over: ExpectedTransfer | None
) -> Doubtful:
    money = candidates_shown.money(row)
    shown = candidates_shown.best_of(found, known, money, MOST_CANDIDATES)
    if over is None:
        return Doubtful(money, shown)
    state = over.get_state_display().lower()
    named = f"{over.description} of {show.name_of(over.user)}, which is {state}"
    return Doubtful(money, shown, named, show.page_of(over))


def _proposed(actor_pk: int) -> list[Proposed]:
    rows = Allocation.objects.filter(state=AllocationState.PROPOSED).select_related(
        "transfer", "expected__user", "first_confirmed_by"
    )
    return [
        Proposed(
            pk=row.pk,
            transfer_url=show.page_of(row.transfer),
            amount=str(row.money),
            payer=row.transfer.name or words.UNKNOWN,
            member=show.name_of(row.expected.user),
            description=row.expected.description,
            waits=words.waits_for(row),
            can_confirm=actor_pk not in {row.first_confirmed_by_id, row.expected.user_id},
        )
        for row in rows
    ]


def _act(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Match what was chosen, one by one: one that can't be doesn't stop the others."""
    if not model_admin.has_match_permission(request):
        raise PermissionDenied
    if asked := ask_who_is_there(request, reverse(PAGE)):
        messages.warning(request, NOT_YET)
        return asked
    tries = [*_chosen_sure(request), *_chosen_proposed(request), *_chosen_one(request)]
    if not tries:
        messages.info(request, "Nothing was chosen, or it's matched already.")
    for one in tries:
        _try(model_admin, request, one)
    return redirect(PAGE)


Try = Callable[[], Sequence[Allocation]]


def _try(model_admin: Any, request: HttpRequest, one: Try) -> None:
    try:
        made = one()
    except (AllocationError, PermissionDenied) as error:
        messages.error(request, str(error))
        return
    for row in made:
        said = f"{row.transfer.name or words.UNKNOWN}: {words.came_to(row)}"
        model_admin.log_change(request, row.transfer, said)
        messages.success(request, said)


def _chosen_sure(request: HttpRequest) -> list[Try]:
    """Return the chosen ones that are still sure: another may have come meanwhile."""
    chosen = set(request.POST.getlist("sure"))
    if not chosen:
        return []
    actor = current_user(request)
    return [
        partial(allocating.allocate, transfer.pk, {best.awaited.pk: transfer.amount}, actor)
        for transfer, best in candidates.sure()
        if f"{transfer.pk}:{best.awaited.pk}" in chosen
    ]


def _chosen_proposed(request: HttpRequest) -> list[Try]:
    numbers = [int(one) for one in request.POST.getlist("proposed") if _is_key(one)]
    rows = Allocation.objects.filter(pk__in=numbers, state=AllocationState.PROPOSED)
    actor = current_user(request)
    return [
        partial(_confirmed, pk, actor) for pk in rows.order_by("pk").values_list("pk", flat=True)
    ]


def _confirmed(pk: int, actor: User) -> list[Allocation]:
    return [allocating.confirm(pk, actor)]


def _chosen_one(request: HttpRequest) -> list[Try]:
    """Return the one candidate whose button was pressed: as much of the money as it needs."""
    transfer_pk, _, expected_pk = request.POST.get("one", "").partition(":")
    if not (_is_key(transfer_pk) and _is_key(expected_pk)):
        return []
    rows = BankTransfer.objects.with_allocated().select_related("line")
    row = rows.filter(pk=transfer_pk).first()
    payment = candidates_shown.payments([int(expected_pk)]).get(int(expected_pk))
    if row is None or payment is None:
        return []
    part = min(candidates_shown.money(row).left, payment.missing)
    actor = current_user(request)
    return [partial(allocating.allocate, row.pk, {payment.pk: part}, actor)]


def _is_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19

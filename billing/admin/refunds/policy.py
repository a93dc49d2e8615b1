"""The refund policy on the staff site: versions in words, and new ones with a back-test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString

from billing.admin.records import RecordAdmin
from billing.admin.refunds.policy_form import KINDS, PolicyDraft
from billing.models import RefundPolicy
from billing.refunds import backtest
from billing.refunds import terms as refund_terms
from billing.refunds.backtest import Backtest, PolicyResult
from billing.refunds.policy import WHOLE, Policy, PolicyError, Rule
from billing.refunds.reasons import sentences
from common.money import MINUS, Money
from common.staff import show
from common.staff.parts import column
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there, has_signed_in_recently

MAY_CHANGE = "billing.add_refundpolicy"
CHANGES_SHOWN = 50
TIMES = {1: "once", 2: "twice"}
RESULTS = {
    PolicyResult.AUTOMATIC: "Approved at once",
    PolicyResult.ONE: "One person decides",
    PolicyResult.TWO: "Two people decide",
    PolicyResult.REFUSED: "Refused",
}
MONEY = {
    PolicyResult.AUTOMATIC: "would go back at once",
    PolicyResult.ONE: "would wait for one person",
    PolicyResult.TWO: "would wait for two people",
    PolicyResult.REFUSED: "would be refused",
}
TONES = {
    PolicyResult.AUTOMATIC: "success",
    PolicyResult.ONE: "info",
    PolicyResult.TWO: "warning",
    PolicyResult.REFUSED: "danger",
}


@dataclass(frozen=True)
class Row:
    """An outcome, next to the current policy's."""

    name: str
    before: str
    after: str
    money_before: str
    money_after: str


@dataclass(frozen=True)
class Differs:
    """A request that the draft judges differently."""

    url: str
    title: str
    asked: str
    before: SafeString
    after: SafeString
    reasons: str


@dataclass(frozen=True)
class Outlook:
    """The back-test as the page shows it."""

    count: int
    rows: list[Row]
    sentences: list[str]
    changes: list[Differs]
    more: int


@admin.register(RefundPolicy)
class RefundPolicyAdmin(RecordAdmin):
    """The policy's versions: read-only; a newer one replaces them."""

    list_display = ["name", "in_force", "made", "by", "note", "used"]
    list_select_related = ["created_by"]
    change_form_outer_before_template = "admin/billing/refunds/policy.html"
    fieldsets = [(None, {"fields": ["in_force", "note", "by", "made", "used"]})]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the user may put a new version in force."""
        return bool(request.user.has_perm(MAY_CHANGE))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add the version in words."""
        row = self.get_object(request, object_id) if str(object_id).isdecimal() else None
        if row:
            words = [(KINDS[kind], in_words(refund_terms.rules_of(row), kind)) for kind in KINDS]
            extra_context = {**(extra_context or {}), "rules": words, "title": str(row)}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a new version's form and what it would have decided; put it in force."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        current = refund_terms.current_policy()
        is_final = "save" in request.POST
        draft = PolicyDraft(current, request.POST or None, is_final=is_final)
        outlook = None
        if is_final and draft.is_complete():
            if saved := self._save(request, draft):
                return saved
        elif "test" in request.POST and draft.has_rules():
            outlook = outlook_of(_backtest(current, draft))
        return self._page(request, current, draft, outlook)

    def _save(self, request: HttpRequest, draft: PolicyDraft) -> HttpResponse | None:
        """Put it in force; return None if its author has to look again."""
        if not has_signed_in_recently(request):
            if current_user(request).has_usable_password():
                # allauth keeps the form, and sends it again after the password.
                raise ReauthenticationRequired
            ask_who_is_there(request, show.list_of("billing.refundpolicy"))
            return None
        values = draft.note.cleaned_data
        try:
            made = refund_terms.save_policy(
                draft.as_rules(), values["note"], current_user(request), values["based_on"]
            )
        except PolicyError as error:
            messages.error(request, str(error))
            return None
        self.log_addition(request, made, values["note"])
        messages.success(request, f"{made} is in force. What was judged before keeps its version.")
        return redirect(show.page_of(made))

    def _page(
        self, request: HttpRequest, current: RefundPolicy, draft: PolicyDraft, outlook: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "New version of the refund policy",
            "current": current,
            "draft": draft,
            "outlook": outlook,
            "currency": settings.PAYMENT_CURRENCY.upper(),
        }
        return TemplateResponse(request, "admin/billing/refunds/policy_form.html", context)

    @column("Version", ordering="version")
    def name(self, row: RefundPolicy) -> str:
        """ "Version 3"."""
        return str(row)

    @column("In force")
    def in_force(self, row: RefundPolicy) -> SafeString | str:
        """Whether it's in force."""
        is_newest = row.version == refund_terms.current_policy().version
        return show.badge("In force", "success") if is_newest else "No longer"

    @column("Since", ordering="version")
    def made(self, row: RefundPolicy) -> str:
        """When it was put in force."""
        return show.moment(row.created_at)

    @column("By")
    def by(self, row: RefundPolicy) -> str:
        """Who put it in force."""
        return show.name_of(row.created_by) if row.created_by else "The portal"

    @column("Requests judged")
    def used(self, row: RefundPolicy) -> SafeString | str:
        """Link to the requests it judged."""
        address = show.list_of("billing.refund", policy__id__exact=row.pk)
        return show.anchor(address, "See them")


def in_words(policy: Policy, kind: Any) -> list[str]:
    """Return a kind's rule in sentences."""
    return list(_sentences(policy.rule(kind), policy.currency))


def _sentences(rule: Rule, currency: str) -> Iterator[str]:
    if not rule.shares:
        yield "Never refundable."
        return
    for share in rule.shares:
        part = "all of it" if share.percent == WHOLE else f"{share.percent}% of it"
        yield f"Up to {share.days} days after the payment: {part}."
    if rule.automatic_up_to and rule.automatic_per_year:
        times = TIMES.get(rule.automatic_per_year, f"{rule.automatic_per_year} times")
        amount = Money(rule.automatic_up_to, currency)
        yield f"Up to {amount} of a payment is approved automatically, {times} a year for a member."
    else:
        yield "Nothing is approved automatically: someone decides on every request."
    if rule.two_people_from:
        yield f"At {Money(rule.two_people_from, currency)} or more, two people must agree."
    else:
        yield "One person is enough for any amount."


def _backtest(current: RefundPolicy, draft: PolicyDraft) -> Backtest:
    proposed = Policy(current.version + 1, settings.PAYMENT_CURRENCY, draft.as_rules())
    return backtest.compare(backtest.past_year(), refund_terms.rules_of(current), proposed)


def outlook_of(replayed: Backtest) -> Outlook:
    """Return a back-test in words."""
    return Outlook(
        count=replayed.count,
        rows=[
            Row(
                RESULTS[one.result],
                f"{one.before:,}",
                f"{one.after:,}",
                _amounts(one.money_before),
                _amounts(one.money_after),
            )
            for one in replayed.tallies
        ],
        sentences=[
            f"{_amount(money)} {MONEY[one.result]}."
            for one in replayed.tallies
            for money in one.more
        ],
        changes=[
            Differs(
                show.page_of(one.asked.refund),
                f"{one.asked.money} for {show.name_of(one.asked.refund.customer.user)}",
                show.day(one.asked.at),
                show.badge(RESULTS[one.before], TONES[one.before]),
                show.badge(RESULTS[one.after], TONES[one.after]),
                " ".join(sentences(one.reasons)),
            )
            for one in reversed(replayed.changes[-CHANGES_SHOWN:])
        ],
        more=max(0, len(replayed.changes) - CHANGES_SHOWN),
    )


def _amount(money: Money) -> str:
    """ "$412.00 more"."""
    text = str(money).removeprefix(MINUS)
    return f"{text} {'more' if money.amount > 0 else 'less'}"


def _amounts(amounts: list[Money]) -> str:
    return " + ".join(map(str, amounts)) or show.NOTHING

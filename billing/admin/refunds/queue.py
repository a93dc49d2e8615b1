"""Refunds on the staff site: the queue, each refund's page, and decisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, F, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RadioFilter
from unfold.dataclasses import UnfoldAction

from billing.admin import labels
from billing.admin.records import RecordAdmin
from billing.admin.refunds.case import case_of, progress
from billing.admin.refunds.dialogs import (
    INSTEAD_OF,
    ApproveForm,
    AskSecondForm,
    DenyForm,
    NotSentForm,
    SentForm,
)
from billing.admin.refunds.selection import MOST_AT_ONCE, approve_all, chosen_rows, outlook_of
from billing.core.statuses import REFUND_TO_SEND, RefundState
from billing.models import Refund
from billing.refunds import by_zelle
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.transitions import RefundAmountError, RefundError
from common.staff import show
from common.staff.dialogs import ask_again
from common.staff.filters import by_day
from common.staff.parts import button, column, page_button, row_or_404
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there, recently_signed_in

Rows = QuerySet[Any]
AGAIN = "again"
SENT, NOT_SENT = "sent_by_zelle", "not_sent"
SELECTED = "admin:billing_refund_selected"


class NeedsFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Filters refunds by what they need from staff."""

    title = "what it needs"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer what needs attention."""
        return [
            ("decision", "A decision"),
            ("second", "A second person"),
            ("failed", "A look: it failed"),
            ("by_zelle", "Sending by Zelle"),
            ("not_sent", "A look: not sent"),
            ("held", "A look: held back by Stripe"),
        ]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        every = Refund.objects.all()
        choices: dict[str, Callable[[], Rows]] = {
            "decision": every.undecided,
            "second": every.waiting_for_second,
            "failed": every.failed_lately,
            "by_zelle": every.by_zelle,
            "not_sent": every.not_sent,
            "held": every.held,
        }
        chosen = choices.get(str(self.value()))
        return queryset.filter(pk__in=chosen().order_by().values("pk")) if chosen else queryset


@admin.register(Refund)
class RefundAdmin(RecordAdmin):
    """All refunds: those waiting for a decision first, the oldest on top."""

    person_field = "customer_id"
    search_fields = ["stripe_id__startswith", "payment__stripe_id__startswith"]
    amount_field = "amount"
    search_help_text = "Part of a name or email address, phone number, amount, re_…, or pi_…"
    list_select_related = ["customer__user", "payment"]
    list_display = ["who", "cost", "state_badge", "waits", "approvals", "why", "began"]
    list_filter = [
        NeedsFilter,
        ("state", ChoicesDropdownFilter),
        ("origin", ChoicesDropdownFilter),
        ("created_at", by_day("day asked")),
    ]
    nothing = "Nobody has asked for a refund yet."
    nothing_left = {
        "needs=decision": "No refund waits for a decision.",
        "needs=second": "No refund waits for a second person.",
        "needs=failed": "No refund has failed in the last 30 days.",
        "needs=held": "Stripe holds no refund back.",
        "needs=by_zelle": "No refund has to be sent by Zelle.",
        "needs=not_sent": "Every approved refund is with Stripe.",
    }
    actions = ["approve_selected"]
    actions_detail = ["approve", "deny", "ask_second", "again", "sent", "not_sent"]
    change_form_outer_before_template = "admin/billing/refunds/case.html"
    link_lookups = frozenset({"customer__id__exact", "policy__id__exact"})

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Waiting ones first, oldest on top; then the rest, newest first."""
        is_decided = Case(When(state=RefundState.REQUESTED, then=0), default=1)
        asked = Case(When(state=RefundState.REQUESTED, then=F("created_at")))
        return [is_decided.asc(), asked.asc(nulls_last=True), "-created_at", "-pk"]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The page is a story, not a form."""
        return []

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add everything needed to decide."""
        row = self._of(object_id) if self.has_view_permission(request) else None
        if row:
            extra_context = {**(extra_context or {}), "case": case_of(row), "title": str(row.money)}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Show only buttons that would be accepted."""
        row, user = self._of(object_id), current_user(request)
        if row is None or refunds.is_own(row, user):
            return []
        shown: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        if not row.is_undecided:
            useful = _buttons_after_decision(row)
            return [one for one in shown if one.path in useful]
        useless = {
            **dict.fromkeys((AGAIN, SENT, NOT_SENT), True),
            "approve": row.first_approved_by_id == user.pk,
            "ask_second": row.approvals_needed >= refunds.TWO,
        }
        return [one for one in shown if not useless.get(str(one.path))]

    def has_decide_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may decide on refunds."""
        return request.user.has_perm(refunds.MAY_APPROVE)

    def palette_title(self, row: Refund) -> str:
        """Whose, how much, and when."""
        return f"{show.name_of(row.customer.user)}: {row.money} on {show.day(row.created_at)}"

    @column("Member", ordering="customer__name", header=True)
    def who(self, row: Refund) -> list[str]:
        """Name over email address."""
        user = row.customer.user
        return [show.name_of(user), user.email]

    @column("Amount", ordering="amount")
    def cost(self, row: Refund) -> str:
        """The amount as text."""
        return str(row.money)

    @column("State", ordering="state")
    def state_badge(self, row: Refund) -> SafeString:
        """Its state."""
        return show.state(row, "state", labels.REFUND)

    @column("Asked", ordering="created_at")
    def waits(self, row: Refund) -> SafeString | str:
        """How long it has waited; for a decided one, how long ago it was requested."""
        if row.is_undecided:
            return show.badge(f"waits {show.how_long(row.created_at)}", "warning")
        return show.when(row.created_at)

    @column("Approvals")
    def approvals(self, row: Refund) -> str:
        """ "1 of 2 approved"."""
        return progress(row) or show.NOTHING

    @column("Reason", ordering="reason")
    def why(self, row: Refund) -> str:
        """The reason in words."""
        return row.get_reason_display() if row.reason else show.NOTHING

    @column("Source", ordering="origin")
    def began(self, row: Refund) -> str:
        """Who started it."""
        return row.get_origin_display()

    # Deciding

    @recently_signed_in
    @button(
        "Approve",
        icon="check",
        path="approve",
        permission="decide",
        question="Approve this refund?",
        explanation="We’ll tell the member. The money goes back through Stripe right away. If it"
        " was paid by Zelle, you send it yourself from your bank’s app.",
        form=ApproveForm,
    )
    def approve(self, request: HttpRequest, form: ApproveForm, object_id: str) -> HttpResponse:
        """Approve the full amount or less."""
        values = form.cleaned_data

        def agree(row: Refund) -> str:
            approved = refunds.approve(
                row.pk, current_user(request), values["amount"], values["words"]
            )
            return _agreed(approved)

        try:
            return self._decide(request, object_id, agree)
        except RefundAmountError as error:
            form.add_error("amount", str(error))
            return ask_again(request, self.approve, form)

    @recently_signed_in
    @button(
        "Deny",
        icon="close",
        path="deny",
        permission="decide",
        question="Deny this refund?",
        explanation="The member is told why, in your words. They may ask again.",
        form=DenyForm,
        is_primary=False,
    )
    def deny(self, request: HttpRequest, form: DenyForm, object_id: str) -> HttpResponse:
        """Deny it."""

        def refuse(row: Refund) -> str:
            refunds.deny(row.pk, current_user(request), form.cleaned_data["words"])
            return "The refund is denied. The member is told why."

        return self._decide(request, object_id, refuse)

    @recently_signed_in
    @button(
        "Ask for a second approval",
        icon="group_add",
        path="ask_second",
        permission="decide",
        question="Shall somebody else agree, too?",
        explanation="Then this refund takes two people, whatever its amount.",
        form=AskSecondForm,
        is_primary=False,
    )
    def ask_second(self, request: HttpRequest, form: AskSecondForm, object_id: str) -> HttpResponse:
        """Require a second person."""

        def ask(row: Refund) -> str:
            refunds.ask_second(row.pk, current_user(request), form.cleaned_data["words"])
            return "Two people must agree to this refund now."

        return self._decide(request, object_id, ask)

    @recently_signed_in
    @button(
        "I've sent it",
        icon="send",
        path=SENT,
        permission="decide",
        question="Have you sent this refund by Zelle?",
        explanation="The member is told that it's on its way. A file of the account proves it.",
        form=SentForm,
    )
    def sent(self, request: HttpRequest, form: SentForm, object_id: str) -> HttpResponse:
        """Record that it was sent from the bank's app."""

        def record(row: Refund) -> str:
            by_zelle.mark_sent(row.pk, current_user(request), form.cleaned_data["reference"])
            return f"{row.money} is marked as sent. The member is told."

        return self._decide(request, object_id, record)

    @recently_signed_in
    @button(
        "It didn't go out",
        icon="undo",
        path=NOT_SENT,
        permission="decide",
        question="Was this refund not sent after all?",
        explanation="Its amount is free again. The member has been told that it's on its way.",
        form=NotSentForm,
        is_primary=False,
    )
    def not_sent(self, request: HttpRequest, form: NotSentForm, object_id: str) -> HttpResponse:
        """Record that it wasn't sent."""

        def record(row: Refund) -> str:
            by_zelle.mark_not_sent(row.pk, current_user(request), form.cleaned_data["words"])
            return f"{row.money} counts as not sent. You can refund it again."

        return self._decide(request, object_id, record)

    @page_button("Refund again", icon="undo", path=AGAIN, permission="decide")
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to a failed refund's payment to refund it again."""
        row = row_or_404(Refund, object_id)
        give = reverse("admin:billing_payment_give", args=[row.payment_id])
        return redirect(f"{give}?{urlencode({INSTEAD_OF: row.pk})}")

    @admin.action(description="Approve the selected refunds in full", permissions=["decide"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[Refund]) -> Any:
        """Show all of them together first: nothing is approved before that."""
        numbers = queryset.order_by("created_at", "pk").values_list("pk", flat=True)
        chosen = ",".join(map(str, numbers[:MOST_AT_ONCE]))
        return redirect(f"{reverse(SELECTED)}?{urlencode({'refunds': chosen})}")

    def get_urls(self) -> list[Any]:
        """Add the page for approving several."""
        view = self.admin_site.admin_view(self.selection)
        own = path("approve-selected/", view, name="billing_refund_selected")
        return [own, *super().get_urls()]

    def selection(self, request: HttpRequest) -> HttpResponse:
        """Say what approving them would do; on yes, do it one by one, and report the results."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        everything = show.list_of("billing.refund", needs="decision")
        if asked := ask_who_is_there(request, request.get_full_path(), otherwise=everything):
            return asked
        rows = chosen_rows(request.GET.get("refunds", ""))
        if request.method == "POST":
            done = approve_all(rows, current_user(request))
            for row in [*done.sent, *done.waiting]:
                self.log_change(request, row, _agreed(row))
            for level, text in done.sentences():
                self.message_user(request, text, level)
            return redirect(everything)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "outlook": outlook_of(rows, current_user(request)),
            "back": everything,
        }
        context["title"] = context["outlook"].title
        return TemplateResponse(request, "admin/billing/refunds/selection.html", context)

    def _decide(
        self, request: HttpRequest, object_id: str, act: Callable[[Refund], str]
    ) -> HttpResponse:
        """Run a use case; show its result or refusal on the refund's page.

        Raises RefundAmountError if another amount would work.
        """
        row = row_or_404(Refund, object_id)
        try:
            text = act(row)
        except RefundAmountError:
            raise
        except (RefundError, PermissionDenied) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, row, text)
            self.message_user(request, text, messages.SUCCESS)
        return redirect(show.page_of(row))

    def _of(self, object_id: Any) -> Refund | None:
        rows = Refund.objects.select_related(
            "payment__invoice", "customer__user", "policy", "requested_by", "decided_by"
        )
        return rows.filter(pk=object_id).first() if str(object_id).isdecimal() else None


def _buttons_after_decision(row: Refund) -> set[str]:
    """Return the paths of the buttons that still make sense for a decided refund."""
    if row.payment.is_by_zelle and row.state in REFUND_TO_SEND:
        return {SENT}
    if row.payment.is_by_zelle and row.state == RefundState.PENDING:
        return {NOT_SENT}
    return {AGAIN} if _can_be_given_again(row) else set()


def _can_be_given_again(row: Refund) -> bool:
    """Whether a refund failed, and its payment has something left that isn't disputed."""
    if row.state != RefundState.FAILED:
        return False
    facts = refund_terms.facts_of(row.payment)
    return bool(facts.left) and not (facts.is_disputed or facts.is_charged_back)


def _agreed(row: Refund) -> str:
    """Return the result of an approval."""
    if row.is_undecided:
        return f"You agreed to {row.money}. Somebody else has to agree, too."
    if row.payment.is_by_zelle:
        return f"Approved. Now send {row.money} from your bank’s app, then choose “I've sent it”."
    return f"{row.money} goes back. The member is told."

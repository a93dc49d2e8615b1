"""Which money counts for which payment: every match with its history, to confirm or undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction

from billing.admin.bank import match_page, older_page, words
from billing.admin.bank.base import BankAdmin
from billing.admin.bank.dialogs import BecauseForm
from billing.core.bank_statuses import AllocationState
from billing.models import Allocation
from billing.zelle import allocating
from billing.zelle.checks import AllocationError
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import button, column, row_or_404
from members.access import current_user
from members.signin.staff_recent import recently_signed_in

CONFIRM, UNDO = "confirm", "undo"


@admin.register(Allocation)
class AllocationAdmin(BankAdmin):
    """Matches of money with payments."""

    person_field = "expected__user_id"
    search_fields = ["transfer__name__icontains"]
    search_help_text = "Any part of the payer's or the member's name, or of an address"
    list_display = ["who", "cost", "state_badge", "payer", "what", "made", "by"]
    list_select_related = ["transfer", "expected__user", "first_confirmed_by", "confirmed_by"]
    list_filter = [("state", ChoicesDropdownFilter), ("created_at", by_day("day made"))]
    nothing = "No money has been matched yet."
    link_lookups = frozenset({"expected__id__exact", "transfer__id__exact"})
    actions_detail = [CONFIRM, UNDO]
    fieldsets = [
        (None, {"fields": ["state_badge", "cost", "transfer_link", "member", "what", "why"]}),
        ("Who and when", {"fields": ["made", "waits", "by", "counted", "undone"]}),
    ]

    def get_urls(self) -> list[Any]:
        """Add the pages where money is matched, and where older money is set aside."""
        return [*match_page.urls(self), *older_page.urls(self), *super().get_urls()]

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Show only buttons that would be accepted."""
        row = (
            Allocation.objects.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        )
        if row is None or row.state == AllocationState.UNDONE:
            return []
        shown: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        is_proposed = row.state == AllocationState.PROPOSED
        was_first = row.first_confirmed_by_id == current_user(request).pk
        return [one for one in shown if one.path == UNDO or (is_proposed and not was_first)]

    @column("Member", header=True)
    def who(self, row: Allocation) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.expected.user), row.expected.user.email]

    @column("Member")
    def member(self, row: Allocation) -> SafeString | str:
        """Link to the member."""
        return show.member(row.expected.user)

    @column("Amount", ordering="amount")
    def cost(self, row: Allocation) -> SafeString:
        """The part of the money."""
        return show.one_line(str(row.money))

    @column("State", ordering="state")
    def state_badge(self, row: Allocation) -> SafeString:
        """Whether it counts."""
        return show.state(row, "state", words.ALLOCATION)

    @column("Payer")
    def payer(self, row: Allocation) -> str:
        """Whose account it came from."""
        return row.transfer.name or show.NOTHING

    @column("Money")
    def transfer_link(self, row: Allocation) -> SafeString | str:
        """Link to the transfer."""
        return show.link(row.transfer)

    @column("For")
    def what(self, row: Allocation) -> SafeString | str:
        """Link to the payment."""
        return show.link(row.expected, row.expected.description)

    @column("Why")
    def why(self, row: Allocation) -> str:
        """The reasons in sentences."""
        said = [sentence for sentence, _is_against in words.sentences(row.reasons)]
        return " ".join(said) or "Chosen by staff."

    @column("Made", ordering="id")
    def made(self, row: Allocation) -> SafeString:
        """How long ago."""
        return show.when(row.created_at)

    @column("Waits for")
    def waits(self, row: Allocation) -> str:
        """Whom it waits for."""
        return words.waits_for(row) or show.NOTHING

    @column("Confirmed by")
    def by(self, row: Allocation) -> str:
        """Who made it count."""
        return words.counts_by(row)

    @column("Counted")
    def counted(self, row: Allocation) -> str:
        """Since when it counts."""
        return show.moment(row.confirmed_at)

    @column("Undone")
    def undone(self, row: Allocation) -> str:
        """When, by whom, and why."""
        if not row.undone_at:
            return show.NOTHING
        return (
            f"{show.moment(row.undone_at)} by {show.name_of(row.undone_by)}: {row.undone_because}"
        )

    @recently_signed_in
    @button(
        "Confirm",
        icon="check",
        path=CONFIRM,
        permission="match",
        question="Does this money pay for this?",
        explanation="The member is told, and gets a receipt once all of it has come.",
    )
    def confirm(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """Let it count, or agree as the first of two."""
        return self._act(
            request,
            object_id,
            lambda row: allocating.confirm(row.pk, current_user(request)),
            words.came_to,
        )

    @recently_signed_in
    @button(
        "Undo",
        icon="undo",
        path=UNDO,
        permission="match",
        question="Take this match back?",
        explanation=(
            "The money waits to be matched again, and the payment for its money. If it was already"
            " in Stripe's books, it's taken out there."
        ),
        form=BecauseForm,
        is_primary=False,
    )
    def undo(self, request: HttpRequest, form: BecauseForm, object_id: str) -> HttpResponse:
        """Take it back."""
        because = form.cleaned_data["because"]
        return self._act(
            request,
            object_id,
            lambda row: allocating.undo(row.pk, current_user(request), because),
            lambda row: f"Undone: {because}",
        )

    def _act(
        self,
        request: HttpRequest,
        object_id: str,
        act: Callable[[Allocation], Allocation],
        said: Callable[[Allocation], str],
    ) -> HttpResponse:
        """Run a use case; show its result or refusal on the transfer's page."""
        row: Any = row_or_404(Allocation, object_id)
        try:
            done = act(row)
        except (AllocationError, PermissionDenied) as error:
            self.message_user(request, str(error), "error")
        else:
            self.log_change(request, row, said(done))
            self.message_user(request, said(done))
        return redirect(show.page_of(row.transfer))

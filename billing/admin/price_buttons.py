"""The staff's button that moves a member to another price of the plan."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.widgets import UnfoldAdminRadioSelectWidget

from billing.admin import free_buttons
from billing.admin.free_buttons import FreeTimeButtons
from billing.admin.membership_buttons import AboutMembership, may
from billing.membership import planning, switch_options, switching
from billing.membership.cancellation import MembershipError
from billing.membership.switch_options import Choice
from billing.membership.switching import Preview
from billing.models import Subscription
from common.fields import WordsField
from common.staff import show
from common.staff.parts import button, row_or_404
from members.access import current_user
from members.signin.staff_recent import recently_signed_in

BUTTONS = [*free_buttons.BUTTONS[:2], "change_price", "keep_price", *free_buttons.BUTTONS[2:]]


class PriceForm(AboutMembership):
    """Which price, and from when. Each value is what a preview was signed with."""

    offer = WordsField(label="New price", widget=UnfoldAdminRadioSelectWidget)

    def begin(self) -> None:
        """Ask Stripe what each price would cost, unless one was chosen."""
        self.said: list[str] = []
        self.fields["offer"].widget.choices = []
        if self.row and not self.data.get("offer"):
            self.fields["offer"].widget.choices = list(self._offers(self.row))

    def _offers(self, row: Subscription) -> Iterator[tuple[str, str]]:
        found = switch_options.choices(row)
        if not found:
            self.said.append("There’s no other price of the plan to change to.")
        why = switch_options.why_not(row) if found else ""
        if why:
            self.said.append(f"It isn’t possible now. The member reads: “{why}”")
        for choice in found:
            if not why:
                yield from self._at_stripe(row, choice)
            if planning.can_wait(row, choice):
                yield from self._planned(row, choice)

    def _at_stripe(self, row: Subscription, choice: Choice) -> Iterator[tuple[str, str]]:
        """Yield what Stripe's own preview says: now, or from the renewal on."""
        for is_later in [False, True] if switching.can_wait(row, choice) else [False]:
            try:
                shown = switching.preview(row, choice, is_later=is_later)
            except MembershipError as error:
                self.said.append(f"{choice.rate}: {error}")
            else:
                self.said.append(f"{_label(shown)}: {_in_words(shown)}")
                yield shown.token, _label(shown)

    def _planned(self, row: Subscription, choice: Choice) -> Iterator[tuple[str, str]]:
        """Yield the choice that another interval begins once this period is over."""
        try:
            shown = planning.preview(row, choice)
        except MembershipError as error:
            self.said.append(f"{choice.rate}, later: {error}")
            return
        added = f", {choice.tax_words}" if choice.tax_words else ""
        charge = f"{shown.first_charge} is charged" if shown.first_charge else "it’s charged"
        label = f"{choice.rate}, later"
        self.said.append(
            f"{label}: nothing is charged today{added}. It begins on {show.day(shown.begins_at)},"
            f" when {charge}. Until then it can be taken back."
        )
        yield shown.token, label

    def lines(self, row: Subscription) -> list[str]:
        """Add what each price would cost, or why it can't be chosen."""
        return [*super().lines(row), *self.said]


class KeepPriceForm(AboutMembership):
    """The question whether what's planned should be dropped."""


class PriceButtons(FreeTimeButtons):
    """How staff move a member to another price of the plan. It asks first."""

    def has_price_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may change prices, and it's the membership."""
        return may(request, object_id, _can_change)

    @recently_signed_in
    @button(
        "Change the price",
        icon="swap_horiz",
        path="price",
        permission="price",
        question="Change the price of this membership?",
        explanation=(
            "What’s charged today is Stripe’s amount, as of now, and exactly that. We email the"
            " member once the price has changed."
        ),
        form=PriceForm,
        is_primary=False,
    )
    def change_price(self, request: HttpRequest, form: PriceForm, object_id: str) -> HttpResponse:
        """Switch to it, log it, and go to the member's page."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        before, offer = row.money, form.cleaned_data["offer"]
        try:
            if planning.is_ours(offer):
                choice = planning.plan_by_staff(row, offer, actor)
                said = f"Planned {choice.rate} from {show.day(row.current_period_end)}."
            else:
                choice = switching.switch_by_staff(row, offer, actor)
                said = f"Changed the price from {before} to {choice.rate}."
        except (MembershipError, PermissionDenied) as error:
            messages.error(request, str(error))
            return redirect(show.page_of(row.customer.user))
        self.log_change(request, row, said)
        self.log_change(request, row.customer.user, said)
        messages.success(request, said)
        return redirect(show.page_of(row.customer.user))

    def has_planned_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may change prices, and another one is planned."""
        return may(request, object_id, lambda row: bool(row.planned_price_id))

    @recently_signed_in
    @button(
        "Keep the present price",
        icon="undo",
        path="keep-price",
        permission="planned",
        question="Keep the present price?",
        explanation="What was planned is dropped, and nothing is charged or sent.",
        form=KeepPriceForm,
        is_primary=False,
    )
    def keep_price(self, request: HttpRequest, form: KeepPriceForm, object_id: str) -> HttpResponse:
        """Drop what's planned."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        return self.do(
            request,
            row,
            lambda: planning.take_back_by_staff(row, actor),
            "Kept the present price.",
        )


def _can_change(row: Subscription) -> bool:
    return row.is_membership and not row.ends_with_period and not row.planned_price_id


def _label(shown: Preview) -> str:
    """Return "$290.00 a year, now". Unfold cuts a longer one off on a phone."""
    return f"{shown.choice.rate}, {'later' if shown.is_trial else 'now'}"


def _in_words(shown: Preview) -> str:
    """Return "$261.00 is charged today (credit for unused time -$29.00, …). Next charge …"."""
    on = show.day(shown.next_charge_at)
    then = f"{shown.next_charge} on {on}" if shown.next_charge is not None else f"on {on}"
    added = f", {shown.choice.tax_words}" if shown.choice.tax_words else ""
    if shown.is_trial:
        return f"nothing is charged today{added}. Next charge {then}."
    parts = ", ".join(f"{one.label.lower()} {one.amount}" for one in shown.lines)
    left = f" {shown.credit_left} stays as credit." if shown.credit_left else ""
    return f"{shown.due_today} is charged today ({parts}){added}.{left} Next charge {then}."

"""The staff's buttons for a membership: end with the period, keep, longer trial, discount.

`pause_buttons` has those about a pause, `free_buttons` the one for free time.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from billing.admin import labels
from billing.core import limits
from billing.facts import discounts
from billing.membership import by_staff, cancellation, free_time
from billing.membership.cancellation import MembershipError
from billing.models import Subscription
from common.fields import WordsField
from common.staff import show
from common.staff.dialogs import ask_again
from common.staff.parts import button, row_of_buttons, row_or_404
from members.access import current_user
from members.signin.staff_recent import recently_signed_in


class AboutMembership(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """A question about one membership, with what's true now above it."""

    form_before_template = "admin/billing/memberships/now.html"

    def __init__(self, request: HttpRequest, object_id: Any = None, **kwargs: Any) -> None:
        super().__init__(request, object_id, **kwargs)
        rows = Subscription.objects.select_related("customer__user")
        self.row = rows.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        self.begin()

    def begin(self) -> None:
        """Fill in what's known."""

    def lines(self, row: Subscription) -> list[str]:
        """Return what's true now, a sentence each."""
        return _now(row)

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        """Say whose it is, what it costs, and what's next."""
        return {"lines": self.lines(self.row) if self.row else []}


class CancelForm(AboutMembership):
    """The question whether it should end with its period."""


class KeepForm(AboutMembership):
    """The question whether its end should be taken back."""

    def lines(self, row: Subscription) -> list[str]:
        """Add what becomes of an end that's several renewals away."""
        later = cancellation.later_end(row)
        after = [f"Its later end, {show.day(later)}, applies again."] if later else []
        return [*super().lines(row), *after]


class ExtendForm(AboutMembership):
    """By how many days. `shown_end` is the trial's end that the form was filled in for."""

    days = forms.IntegerField(
        label="More days",
        min_value=1,
        max_value=by_staff.MOST_TRIAL_DAYS,
        initial=7,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The first charge moves by as many days.",
    )
    shown_end = forms.IntegerField(widget=forms.HiddenInput)

    def begin(self) -> None:
        """Remember the trial's end."""
        if self.row and self.row.trial_end:
            self.initial["shown_end"] = int(self.row.trial_end.timestamp())

    def end(self) -> datetime:
        """Return the trial's end that was shown."""
        return datetime.fromtimestamp(self.cleaned_data["shown_end"], UTC)


class DiscountForm(AboutMembership):
    """Which coupon. `shown` are the discounts that it replaces."""

    coupon = WordsField(
        label="Coupon ID",
        max_length=limits.COUPON_ID,
        widget=UnfoldAdminTextInputWidget,
        help_text="As it stands in Stripe, not a promo code. It replaces any other discount.",
    )
    shown = WordsField(required=False, widget=forms.HiddenInput)

    def begin(self) -> None:
        """Remember the discounts."""
        if self.row:
            self.initial["shown"] = " ".join(by_staff.discount_ids(self.row))


class CardLinkForm(AboutMembership):
    """The question whether to send it. `key` stays the same however often the form is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def begin(self) -> None:
        """Draw the key."""
        self.initial["key"] = uuid.uuid4()


class NoDiscountForm(AboutMembership):
    """The question whether all discounts end. `shown` are those that do."""

    shown = WordsField(required=False, widget=forms.HiddenInput)

    def begin(self) -> None:
        """Remember the discounts."""
        if self.row:
            self.initial["shown"] = " ".join(by_staff.discount_ids(self.row))


class MembershipButtons:
    """What staff do for a member, without Stripe's dashboard. Each asks first."""

    log_change: Callable[..., Any]

    def has_cancel_at_end_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may let it end, and it would renew."""
        return may(request, object_id, lambda row: not row.ends_with_period)

    def has_keep_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may let it continue, and it's ending."""
        return may(request, object_id, lambda row: row.ends_at is not None)

    def has_extend_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may extend its free trial, and there is one."""
        return may(
            request, object_id, lambda row: by_staff.can_extend(row) and not row.planned_price_id
        )

    def has_discount_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may give it a discount, and no other price is planned."""
        return may(request, object_id, lambda row: not row.planned_price_id)

    def has_card_link_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may write to its member about the card."""
        return may(request, object_id, lambda row: True)

    def has_undiscount_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may take back its discounts, and it has one.

        While another price is planned, they stay: see `cancellation.CHANGES_WHAT_IS_PLANNED`.
        """
        return may(request, object_id, lambda row: bool(row.discounts) and not row.planned_price_id)

    @button(
        "Cancel with the period",
        icon="event_busy",
        path="cancel-at-end",
        permission="cancel_at_end",
        question="Cancel this membership with its period?",
        explanation=(
            "It runs until its paid period ends, then it’s over. Nothing is charged or refunded."
            " The member is told, and can keep it until then."
        ),
        form=CancelForm,
        is_primary=False,
    )
    def cancel_at_end(self, request: HttpRequest, form: CancelForm, object_id: str) -> HttpResponse:
        """Let it end with its period."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        return self.do(
            request,
            row,
            lambda: by_staff.cancel(row, actor),
            "Canceled with its period.",
        )

    @button(
        "Keep it going",
        icon="event_repeat",
        path="keep",
        permission="keep",
        question="Let this membership continue?",
        explanation="It renews as before, and its next charge follows. The member is told.",
        form=KeepForm,
        is_primary=False,
    )
    def keep_going(self, request: HttpRequest, form: KeepForm, object_id: str) -> HttpResponse:
        """Take back its end."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        return self.do(request, row, lambda: by_staff.keep(row, actor), "Its end was taken back.")

    @recently_signed_in
    @button(
        "Extend the free trial",
        icon="more_time",
        path="extend-trial",
        permission="extend",
        question="Extend the free trial?",
        explanation="Nothing is charged before the new end. The first charge follows then.",
        form=ExtendForm,
        is_primary=False,
    )
    def extend_trial(self, request: HttpRequest, form: ExtendForm, object_id: str) -> HttpResponse:
        """Move the trial's end."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        days, shown_end = form.cleaned_data["days"], form.end()
        return self.do(
            request,
            row,
            lambda: by_staff.extend_trial(row, shown_end, days, actor),
            f"Extended the free trial by {show.count(days, 'day')}.",
        )

    @recently_signed_in
    @button(
        "Give a discount",
        icon="sell",
        path="discount",
        permission="discount",
        question="Give a discount?",
        explanation="It lowers the next charges for as long as the coupon says.",
        form=DiscountForm,
        is_primary=False,
    )
    def give_discount(
        self, request: HttpRequest, form: DiscountForm, object_id: str
    ) -> HttpResponse:
        """Redeem a coupon for the member."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        shown = form.cleaned_data["shown"].split()
        try:
            coupon = by_staff.coupon(form.cleaned_data["coupon"])
        except MembershipError as error:
            form.add_error("coupon", str(error))
            return ask_again(request, self.give_discount, form)
        return self.do(
            request,
            row,
            lambda: by_staff.give_discount(row, shown, coupon, actor),
            f"Gave the discount of the coupon {coupon.id}.",
        )

    @recently_signed_in
    @button(
        "Take back the discount",
        icon="money_off",
        path="no-discount",
        permission="undiscount",
        question="Take back the discount?",
        explanation="The next charge is the full price. What was charged stays as it is.",
        form=NoDiscountForm,
        is_primary=False,
    )
    def take_discount(
        self, request: HttpRequest, form: NoDiscountForm, object_id: str
    ) -> HttpResponse:
        """Take back all discounts."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        shown = form.cleaned_data["shown"].split()
        return self.do(
            request,
            row,
            lambda: by_staff.take_discount(row, shown, actor),
            "Took back the discount.",
        )

    @button(
        "Email the card page",
        icon="forward_to_inbox",
        path="card-link",
        permission="card_link",
        question="Email the way to their cards?",
        explanation=(
            "The member gets a link to the page where they change their card. They sign in first;"
            " nobody else can use it."
        ),
        form=CardLinkForm,
        is_primary=False,
    )
    def send_card_link(
        self, request: HttpRequest, form: CardLinkForm, object_id: str
    ) -> HttpResponse:
        """Send it."""
        row, actor = row_or_404(Subscription, object_id), current_user(request)
        key = form.cleaned_data["key"]
        return self.do(
            request,
            row,
            lambda: by_staff.send_card_link(row, key, actor),
            "Emailed the way to their cards.",
        )

    def do(
        self, request: HttpRequest, row: Subscription, act: Callable[[], None], done: str
    ) -> HttpResponse:
        """Do it, log it, and go to the member's page, which says what's true now."""
        try:
            act()
        except (MembershipError, PermissionDenied) as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, row, done)
            self.log_change(request, row.customer.user, done)
            messages.success(request, done)
        return redirect(show.page_of(row.customer.user))


def may(request: HttpRequest, object_id: str, suits: Callable[[Subscription], bool]) -> bool:
    """Whether this staff member may change memberships, and this one is live and suits."""
    if not request.user.has_perm(by_staff.MAY_CHANGE):
        return False
    if not str(object_id).isdecimal():
        return True
    row = row_of_buttons(request, Subscription, str(object_id))
    return row is not None and row.is_live and suits(row)


def why_fewer(row: Subscription) -> str:
    """Say which buttons a live membership lacks for now, and which one brings them back, or ""."""
    if not row.is_live:
        return ""
    if row.planned_price_id:
        return (
            f"Another price is planned: {labels.planned(row)}. To change the price, the trial, or"
            " a discount, or to give free time, choose “Keep the present price” first."
        )
    if row.ends_with_period:
        return (
            f"It ends on {show.day(row.ends_at)}. To change the price, pause payments, extend the"
            " trial, or give free time, choose “Keep it going” first."
        )
    why = free_time.why_not(row)
    return f"No free time for now: {why[0].lower()}{why[1:]}" if why else ""


def _now(row: Subscription) -> list[str]:
    """Return what's true now, a sentence each."""
    end = show.day(row.current_period_end)
    lines = [f"{show.name_of(row.customer.user)}: {row.name or 'Membership'}, {row.money}."]
    if row.ends_with_period:
        lines.append(f"It ends on {show.day(row.ends_at)}.")
    elif coming := labels.next_step(row):
        lines.append(f"{coming}.")
    else:
        lines.append(f"Its period ends on {end}.")
    if planned := labels.planned(row):
        lines.append(f"Planned: {planned}.")
    if row.trial_end and by_staff.can_extend(row):
        lines.append(f"The free trial ends on {show.day(row.trial_end)}.")
    if has := "; ".join(map(str, discounts.in_words(row))):
        lines.append(f"Discount: {has}.")
    return lines

"""Shows a member's two memberships side by side, and ends one of them with a refund.

Each has a form, which leads to a page that says what will happen and what will still be charged.
Only that page's button does anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from billing.admin import two_memberships_facts as facts
from billing.admin.two_memberships_forms import ConfirmForm, EndForm
from billing.facts import memberships
from billing.membership import cancellation
from billing.membership.cancellation import MembershipError
from billing.models import Subscription
from billing.refunds import two_memberships
from billing.refunds.transitions import RefundError
from billing.refunds.two_memberships import Choice, Outcome
from common.staff import show
from common.staff.parts import page_button, row_or_404
from common.staff.put_aside import put_aside, take_up
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there

PAGE, END = "billing_subscription_two", "billing_subscription_end_one"
REFUSALS = (MembershipError, RefundError, PermissionDenied)
TOO_OLD = "This page is too old, so nothing was done. Choose again."


class Pages(Protocol):
    """What the pages need from their list."""

    admin_site: AdminSite
    opts: Any

    def has_view_permission(self, request: HttpRequest) -> bool:
        """Whether the user may view subscriptions."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Log what was done to a row."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Log that a row was made."""


@dataclass(frozen=True)
class Card:
    """One of the memberships, with the form that ends it if that's allowed."""

    shown: facts.Shown
    why_no_refund: str
    form: EndForm | None
    address: str


def page_of(user_id: int) -> str:
    """Return the URL of the page with a member's two memberships."""
    return reverse(f"admin:{PAGE}", args=[user_id])


class TwoMembershipsPages:
    """The pages, for the list of subscriptions."""

    def get_urls(self: Any) -> list[Any]:
        """Add them."""
        guarded = self.admin_site.admin_view
        return [
            path("two/<int:user_id>/", guarded(self.show_two), name=PAGE),
            path("two/<int:user_id>/end/<int:pk>/", guarded(self.end_one), name=END),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def has_both_permission(self: Pages, request: HttpRequest, object_id: str = "") -> bool:
        """Whether the user may look, and the member has several memberships now."""
        if not self.has_view_permission(request):
            return False
        if not str(object_id).isdecimal():
            return True
        row = Subscription.objects.filter(pk=object_id).select_related("customer__user").first()
        return row is not None and len(memberships.live(row.customer.user)) > 1

    @page_button("See both memberships", icon="compare_arrows", path="both", permission="both")
    def see_both(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the page with all of the member's memberships."""
        row = row_or_404(Subscription, object_id)
        return redirect(page_of(row.customer.user_id))

    def show_two(self: Pages, request: HttpRequest, user_id: int) -> HttpResponse:
        """Show all live memberships of a member."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return _page(self, request, get_object_or_404(User, pk=user_id))

    def end_one(self: Pages, request: HttpRequest, user_id: int, pk: int) -> HttpResponse:
        """Say what ending one would do; on yes, do it."""
        if not request.user.has_perm(cancellation.MAY_END_NOW):
            raise PermissionDenied
        theirs = Subscription.objects.select_related("customer__user").memberships()
        row = get_object_or_404(theirs, pk=pk, customer__user=user_id)
        asked = ask_who_is_there(request, request.get_full_path(), otherwise=page_of(user_id))
        if asked:
            put_aside(request)
            return asked
        return _end(self, request, row) if request.method == "POST" else _look(self, request, row)


def _page(
    pages: Pages, request: HttpRequest, user: User, sent: EndForm | None = None
) -> HttpResponse:
    """Show a member's memberships; `sent` is a form with errors."""
    actor, live = current_user(request), memberships.live(user)
    may_end = actor.has_perm(cancellation.MAY_END_NOW)
    cards = []
    for row in live:
        ends = facts.ends_of(row, actor)
        form = EndForm(ends) if may_end and facts.may_be_ended(row, live) else None
        if form and sent and sent.ends.row == row:
            form = sent
        address = reverse(f"admin:{END}", args=[user.pk, row.pk])
        cards.append(Card(facts.shown(ends), ends.why_no_refund, form, address))
    context = {
        **pages.admin_site.each_context(request),
        "opts": pages.opts,
        "title": f"Memberships of {show.name_of(user)}",
        "lead": facts.lead(live),
        "member": show.member(user),
        "cards": cards,
        "may_end": may_end,
    }
    return TemplateResponse(request, "admin/billing/memberships/two.html", context)


def _look(pages: Pages, request: HttpRequest, row: Subscription) -> HttpResponse:
    """Say what would be done; if the choice has errors, show the previous page."""
    user, actor = row.customer.user, current_user(request)
    back = page_of(user.pk)
    if not facts.may_be_ended(row, memberships.live(user)):
        messages.error(request, two_memberships.NOT_ONE_OF_TWO)
        return redirect(back)
    form = EndForm(facts.ends_of(row, actor), request.GET)
    if not form.is_valid():
        return _page(pages, request, user, form)
    try:
        outlook = facts.outlook_of(form.choice(), actor)
    except REFUSALS as error:
        messages.error(request, str(error))
        return redirect(back)
    kept = take_up(request)
    typed = {name: kept[name] for name in ("words", "key") if name in kept} if kept else {}
    yes = ConfirmForm(initial=form.confirmed() | typed)
    if not form.cleaned_data["money"]:
        yes.drop_note()
    context = {
        **pages.admin_site.each_context(request),
        "opts": pages.opts,
        "title": outlook.title,
        "outlook": outlook,
        "form": yes,
        "back": back,
        "was_away": kept is not None,
    }
    return TemplateResponse(request, "admin/billing/memberships/end.html", context)


def _end(pages: Pages, request: HttpRequest, row: Subscription) -> HttpResponse:
    """Do it, and report what was done, or why nothing was."""
    back, form = page_of(row.customer.user_id), ConfirmForm(request.POST)
    if not form.is_valid():
        messages.error(request, TOO_OLD)
        return redirect(back)
    choice = form.choice(row)
    try:
        done = two_memberships.end_one(choice, current_user(request))
    except REFUSALS as error:
        messages.error(request, f"Nothing was done. {error}")
        return redirect(back)
    _log(pages, request, choice, done)
    if done.trouble:
        messages.error(request, f"It hasn’t ended. {done.trouble} {_came_to(done)}")
        return redirect(back)
    messages.success(request, f"{_ended(row)} The member is told. {_came_to(done)}".strip())
    return redirect(show.page_of(row))


def _log(pages: Pages, request: HttpRequest, choice: Choice, done: Outcome) -> None:
    if done.is_repeated:
        return
    if not done.trouble:
        words = "Ended at once" if choice.at_once else "Ends with its period"
        pages.log_change(request, choice.subscription, f"{words}, as one of two memberships.")
    if done.refund:
        pages.log_addition(request, done.refund, "Given as one of two memberships ends.")


def _ended(row: Subscription) -> str:
    row.refresh_from_db()
    name = row.name or "The membership"
    if not row.is_live:
        return f"{name} has ended."
    if row.ends_at:
        return f"{name} ends on {show.day(row.ends_at)}."
    return f"{name} is being ended: Stripe confirms it in a moment."


def _came_to(done: Outcome) -> str:
    if done.refund is None:
        return ""
    money = done.refund.money
    if done.refund.is_undecided:
        return f"The refund of {money} waits until someone else approves it too."
    return f"{money} goes back."

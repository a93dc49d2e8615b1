"""The buttons on a member's page about their way in, and about the end of their account."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.admin import labels
from billing.models import Subscription
from common.fields import WordsField
from common.staff import show
from common.staff.dialogs import ask_again
from common.staff.parts import button, row_of_buttons, row_or_404
from common.staff.read_only import IndexedSearch
from members.access import current_user
from members.signin import by_staff, sessions
from members.signin.staff_recent import recently_signed_in
from portal.models import PlannedClosing
from portal.selfservice import closing, closing_blockers


class AboutAccount(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """A question about one account, with what's true now above it."""

    form_before_template = "admin/billing/memberships/now.html"

    def __init__(self, request: HttpRequest, object_id: Any = None, **kwargs: Any) -> None:
        super().__init__(request, object_id, **kwargs)
        rows = User.objects.select_related("member")
        self.user = rows.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        self.begin()

    def begin(self) -> None:
        """Fill in what's known."""

    def lines(self, user: User) -> Iterator[str]:
        """Yield what's true now, a sentence each."""
        yield f"{show.name_of(user)}, {user.email or 'without an email address'}."

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        """Say whose it is, and what's true."""
        return {"lines": list(self.lines(self.user)) if self.user else []}


class SignOutForm(AboutAccount):
    """The question whether to sign them out."""

    def lines(self, user: User) -> Iterator[str]:
        """Yield how many devices it's about."""
        yield from super().lines(user)
        count = sessions.count(user)
        yield f"Signed in on {show.count(count, 'device')}." if count else "Not signed in anywhere."


class LinkForm(AboutAccount):
    """The question whether to send it. `key` stays the same however often the form is sent."""

    key = forms.UUIDField(widget=forms.HiddenInput)

    def begin(self) -> None:
        """Draw the key."""
        self.initial["key"] = uuid.uuid4()


class CloseForm(AboutAccount):
    """Why it closes. `renewing` are the keys of what was shown to stop renewing."""

    reason = WordsField(
        label="Reason",
        max_length=1000,
        widget=UnfoldAdminTextInputWidget,
        help_text="For the team. The member finds it in the copy of their data.",
    )
    renewing = WordsField(required=False, widget=forms.HiddenInput)

    def begin(self) -> None:
        """Remember what renews."""
        self.rows = list(closing.renewing(self.user)) if self.user else []
        self.initial["renewing"] = " ".join(str(row.pk) for row in self.rows)

    def shown(self) -> list[int]:
        """Return the keys that were shown."""
        return [int(one) for one in self.cleaned_data["renewing"].split() if one.isdecimal()]

    def lines(self, user: User) -> Iterator[str]:
        """Yield when it closes, what stops, what's lost, and what holds it up."""
        yield from super().lines(user)
        yield f"It closes on {show.day(timezone.now() + closing.TAKEN_BACK_WITHIN)}."
        for row in self.rows:
            yield _stops(row)
        live = Subscription.objects.for_user(user).live().exclude(pk__in=[r.pk for r in self.rows])
        for row in live:
            name = row.name or "Membership"
            yield f"{name} is set to end on {show.day(row.ends_at)}, or when the account closes."
        blockers, _planned = closing_blockers.read(user)
        for blocker in blockers:
            yield f"Something has to be settled first. The member would read: “{blocker.text}”"


def _stops(row: Subscription) -> str:
    """Return what becomes of a subscription, as "Membership stops renewing …"."""
    coming = labels.next_charge(row)
    instead = f" (was: {coming[:1].lower()}{coming[1:]})" if coming else ""
    planned = labels.planned(row)
    dropped = f" What’s planned is dropped: {planned}." if planned else ""
    return f"{row.name or 'Membership'}, {row.money}, stops renewing right away{instead}.{dropped}"


class CareButtons(IndexedSearch):
    """What staff do when a member can't get in, shouldn't be in, or leaves. Each asks first."""

    def has_sign_in_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may help with signing in, and it's an active member's."""
        if not request.user.has_perm(by_staff.MAY_HELP):
            return False
        return not object_id or _is_members(request, object_id)

    def has_close_account_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may close accounts, and this member's isn't about to be."""
        if not request.user.has_perm(closing.MAY_CLOSE):
            return False
        if not object_id:
            return True
        if not _is_members(request, object_id):
            return False
        return not PlannedClosing.objects.planned().filter(user=int(object_id)).exists()

    @recently_signed_in
    @button(
        "Email a sign-in link",
        icon="mark_email_read",
        path="sign-in-link",
        permission="sign_in",
        question="Email a link that signs them in?",
        explanation=(
            "It goes to the address that they sign in with, and works once, for an hour. You don’t"
            " see it. A second step is still asked for."
        ),
        form=LinkForm,
        is_primary=False,
    )
    def email_sign_in_link(
        self, request: HttpRequest, form: LinkForm, object_id: str
    ) -> HttpResponse:
        """Send the link."""
        user = row_or_404(User, object_id)
        try:
            by_staff.send_link(user, form.cleaned_data["key"], current_user(request))
        except by_staff.HelpRefused as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, user, "Emailed a sign-in link.")
            messages.success(request, f"We emailed a sign-in link to {user.email}.")
        return redirect(show.page_of(user))

    @recently_signed_in
    @button(
        "Sign out everywhere",
        icon="phonelink_erase",
        path="sign-out",
        permission="sign_in",
        question="Sign this member out everywhere?",
        explanation=(
            "All their devices are signed out right away, and count as new at the next sign-in. We"
            " email the member. Their password stays as it is."
        ),
        form=SignOutForm,
        is_primary=False,
    )
    def sign_out_everywhere(
        self, request: HttpRequest, form: SignOutForm, object_id: str
    ) -> HttpResponse:
        """End all sessions, and log it."""
        user = row_or_404(User, object_id)
        try:
            ended = by_staff.sign_out(user, current_user(request))
        except by_staff.HelpRefused as refusal:
            messages.error(request, str(refusal))
            return redirect(show.page_of(user))
        if ended:
            said = f"Signed out everywhere ({show.count(ended, 'device')})."
            self.log_change(request, user, said)
            messages.success(request, f"{said} We emailed the member.")
        else:
            messages.info(request, "They weren’t signed in anywhere. Nothing was changed.")
        return redirect(show.page_of(user))

    @recently_signed_in
    @button(
        "Close the account",
        icon="person_remove",
        path="close",
        permission="close_account",
        question="Close this member’s account?",
        explanation=(
            "What renews stops renewing right away. In a week, the account is closed for good, with"
            " what’s left of the membership. We email the member, and they or the team can take it"
            " back until then. Nothing is refunded."
        ),
        form=CloseForm,
        is_primary=False,
    )
    def close_account(self, request: HttpRequest, form: CloseForm, object_id: str) -> HttpResponse:
        """Plan it, and log it."""
        user, actor = row_or_404(User, object_id), current_user(request)
        try:
            made = closing.plan_by_staff(user, actor, form.cleaned_data["reason"], form.shown())
        except (closing.ClosingRefused, PermissionDenied) as refusal:
            form.add_error(None, str(refusal))
            return ask_again(request, self.close_account, form)
        on = show.day(made.closes_at)
        self.log_change(request, user, f"Planned to close the account on {on}.")
        messages.success(request, f"The account closes on {on}. We emailed the member.")
        if closing.renewing(user):
            messages.warning(
                request,
                "Stripe couldn’t be reached, so something still renews. We try again every hour.",
            )
        return redirect(show.page_of(user))


def _is_members(request: HttpRequest, object_id: str) -> bool:
    """Whether it's the account of an active member who isn't on the team."""
    user = row_of_buttons(request, User, object_id)
    return user is not None and user.is_active and not (user.is_staff or user.is_superuser)

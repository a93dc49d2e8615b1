"""The button that shows the portal as a member sees it, and the one that stops that."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from unfold.forms import BaseDialogForm

from common.staff import show
from common.staff.parts import button, row_of_buttons, row_or_404
from common.staff.read_only import IndexedSearch
from members.access import current_user
from members.signin.staff_recent import recently_signed_in
from portal import viewing

STOP = "auth_user_stop_viewing"


class ViewingButtons(IndexedSearch):
    """How staff begin to view as a member, and stop."""

    def get_urls(self) -> list[Any]:
        """Add the address that the banner's button leads to."""
        guarded = self.admin_site.admin_view
        stop = path("viewing/stop/", guarded(self.stop_viewing), name=STOP)
        return [stop, *super().get_urls()]

    def has_view_as_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may view as members, and this account is a member's."""
        if not viewing.may_view(current_user(request)):
            return False
        if not str(object_id).isdecimal():
            return True
        user = row_of_buttons(request, User, str(object_id))
        return user is not None and viewing.can_be_viewed(user)

    @recently_signed_in
    @button(
        "View as this member",
        icon="visibility",
        path="view-as",
        permission="view_as",
        question="View the portal as this member?",
        explanation=(
            "You see their pages as they do, for 30 minutes at most, and can change nothing. It's"
            " recorded on their timeline, with your name."
        ),
        is_primary=False,
    )
    def view_as(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Begin, and log it."""
        user = row_or_404(User, object_id)
        try:
            viewing.begin(request, user)
        except viewing.ViewingRefused as refusal:
            messages.error(request, str(refusal))
            return redirect(show.page_of(user))
        self.log_change(request, user, "Began to view the portal as this member.")
        return redirect("home")

    def stop_viewing(self, request: HttpRequest) -> HttpResponse:
        """Go back to one's own account, and to the member's page.

        Somebody whose session ended meanwhile comes here from the sign-in: nothing is viewed then.
        """
        if request.method != "POST":
            return redirect(reverse("admin:auth_user_changelist"))
        row = viewing.end(request)
        if row is None:
            return redirect(reverse("admin:auth_user_changelist"))
        messages.success(request, f"You no longer view as {show.name_of(row.user)}.")
        return redirect(show.page_of(row.user))

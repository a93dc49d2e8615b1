"""The buttons on an account's page with which owners decide on the team."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from common.staff import show
from common.staff.dialogs import ask_again
from common.staff.parts import button, row_of_buttons, row_or_404
from common.staff.read_only import IndexedSearch
from members import access_changes
from members.access import current_user
from members.access_changes import Access
from members.access_dialogs import ChangeAccess
from members.signin import password_links, sessions
from members.signin.staff_recent import recently_signed_in


class ChangeRole(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """Which roles somebody on the team has."""

    roles = forms.ModelMultipleChoiceField(
        Group.objects.exclude(staffrole=None).order_by("staffrole__group_id"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="See docs/roles.md for what each may do.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if str(self.object_id).isdecimal():
            held = Group.objects.exclude(staffrole=None).filter(user__pk=int(str(self.object_id)))
            self.initial["roles"] = list(held)


class AccessButtons(IndexedSearch):
    """What owners can do about an account's access. Each button takes a recent sign-in."""

    def has_access_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Only owners decide who is staff, and only superusers about superusers."""
        actor = current_user(request)
        if actor.is_superuser or not access_changes.is_owner(actor):
            return actor.is_superuser
        about = row_of_buttons(request, User, object_id)
        return about is None or not about.is_superuser

    def has_team_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether an owner may change this account's place on the team, if it's on it."""
        if not self.has_access_permission(request, object_id):
            return False
        about = row_of_buttons(request, User, object_id)
        return about is not None and about.is_active and about.is_staff

    @recently_signed_in
    @button(
        "Change role",
        icon="badge",
        path="role",
        permission="team",
        question="Change this person’s role?",
        explanation=(
            "We email the person and all owners. They decide on no money for 24 hours. Groups of"
            " your own stay as they are."
        ),
        form=ChangeRole,
        is_primary=False,
    )
    def change_role(self, request: HttpRequest, form: ChangeRole, object_id: str) -> HttpResponse:
        """Give the chosen roles instead of those held."""
        user = row_or_404(User, object_id)
        now = Access.of(user)
        others = frozenset(user.groups.filter(staffrole=None).values_list("name", flat=True))
        chosen = frozenset(group.name for group in form.cleaned_data["roles"])
        return self._change(
            request, user, replace(now, groups=others | chosen), self.change_role, form
        )

    @recently_signed_in
    @button(
        "End access",
        icon="person_off",
        path="end-access",
        permission="team",
        question="End this person’s access to the staff site?",
        explanation=(
            "They lose all roles and are signed out everywhere right away. Their own membership and"
            " account stay. We email them and all owners."
        ),
        is_primary=False,
    )
    def end_access(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Take them off the team, and sign them out."""
        user = row_or_404(User, object_id)
        nothing = Access(user.is_active, False, False, frozenset())
        return self._change(request, user, nothing, self.end_access, form)

    def _change(
        self,
        request: HttpRequest,
        user: User,
        wanted: Access,
        asked: Any,
        form: BaseDialogForm,
    ) -> HttpResponse:
        """Change access, end the sessions of whoever lost it, and say what changed."""
        had = Access.of(user)
        try:
            said = access_changes.change(user.pk, current_user(request), wanted)
        except access_changes.AccessRefused as refusal:
            form.add_error(None, str(refusal))
            return ask_again(request, asked, form)
        if said:
            self.log_change(request, user, said)
        if had.works_here and not (wanted.is_active and wanted.works_here):
            sessions.end_all(user)
        messages.success(request, said or "Nothing was changed.")
        return redirect(show.page_of(user))

    @recently_signed_in
    @button(
        "Change access",
        icon="admin_panel_settings",
        path="access",
        permission="access",
        question="Change what this account may do?",
        explanation=(
            "We email the person and all owners. An account that somebody else has changed decides"
            " on no money for 24 hours."
        ),
        form=ChangeAccess,
        is_primary=False,
    )
    def change_access(
        self, request: HttpRequest, form: ChangeAccess, object_id: str
    ) -> HttpResponse:
        """Grant and revoke access, and say what changed."""
        user = row_or_404(User, object_id)
        return self._change(request, user, form.wanted(), self.change_access, form)

    @recently_signed_in
    @button(
        "Email a password link",
        icon="lock_reset",
        path="password-link",
        permission="access",
        question="Email a link to choose a new password?",
        explanation=(
            "It goes to the address that they sign in with, and works once, for 24 hours. Nobody"
            " sets another person's password."
        ),
        is_primary=False,
    )
    def send_password_link(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Send the link."""
        user = row_or_404(User, object_id)
        try:
            password_links.send(user, current_user(request))
        except access_changes.AccessRefused as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, user, "Sent a link to a new password.")
            messages.success(request, f"We emailed a link to {user.email}.")
        return redirect(show.page_of(user))

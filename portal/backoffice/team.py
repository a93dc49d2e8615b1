"""Invitations to the team on the staff site, and the page of who's on it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget

from common.fields import MailboxField
from common.staff import show
from common.staff.dialogs import ask_again
from common.staff.parts import button, column, row_or_404
from common.staff.read_only import ReadOnlyAdmin
from members import access_changes, mailboxes
from members.access import current_user
from members.signin.staff_recent import recently_signed_in
from portal.backoffice import invitations, team_page
from portal.backoffice.roles import SUMMARIES, Role
from portal.models import InvitationState, StaffInvitation, StaffRole

STATES = {
    InvitationState.WAITING: "info",
    InvitationState.ACCEPTED: "success",
    InvitationState.WITHDRAWN: "",
}


class RoleChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A role, with what it may do."""

    def label_from_instance(self, obj: Any) -> str:
        """Return its group's name, and a sentence."""
        return f"{obj.group.name}: {SUMMARIES[Role(obj.key)]}"


def roles() -> QuerySet[StaffRole]:
    """Return the roles, the narrowest first."""
    order = {key: place for place, key in enumerate(Role)}
    known = StaffRole.objects.filter(key__in=order).select_related("group")
    places = [When(key=key, then=Value(place)) for key, place in order.items()]
    return known.order_by(Case(*places))


class Invite(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """Whom to invite, and as what."""

    email = MailboxField(
        label="Email address",
        widget=UnfoldAdminEmailInputWidget,
        help_text="Only someone who reads this mailbox can accept.",
    )
    role = RoleChoice(StaffRole.objects.none(), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].queryset = roles()

    def clean_email(self) -> str:
        """Refuse an address that our mail server can't deliver to."""
        email = str(self.cleaned_data["email"])
        mailboxes.check_reachable(email)
        return email


@admin.register(StaffInvitation)
class StaffInvitationAdmin(ReadOnlyAdmin):
    """Who was invited to the team, by whom, and what became of it."""

    search_fields: ClassVar[list[str]] = ["email__istartswith"]
    search_help_text = "How the email address begins"
    list_display = ["email", "as_what", "state_badge", "inviter", "sent", "until"]
    list_select_related = ["role__group", "invited_by", "user"]
    list_filter = [("state", ChoicesDropdownFilter)]
    ordering = ["-id"]
    actions_list: ClassVar[list[str]] = ["invite"]
    actions_detail: ClassVar[list[str]] = ["send_again", "withdraw"]
    nothing = "Nobody has been invited yet."
    fieldsets = [
        (None, {"fields": ["email", "as_what", "state_badge"]}),
        ("What happened", {"fields": ["inviter", "sent", "until", "ended", "colleague"]}),
    ]

    def get_urls(self) -> list[Any]:
        """Add the page of who's on the team."""
        view = self.admin_site.admin_view(team_page.team)
        return [path("team/", view, name="portal_staffinvitation_team"), *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only owners see who was invited."""
        return access_changes.is_owner(current_user(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Only owners see who was invited."""
        return self.has_view_permission(request)

    def has_invite_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Only owners invite."""
        return self.has_view_permission(request)

    def has_waiting_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this invitation still waits, for owners."""
        if not self.has_view_permission(request):
            return False
        waits = StaffInvitation.objects.filter(state=InvitationState.WAITING)
        return object_id.isdecimal() and waits.filter(pk=int(object_id[:18])).exists()

    @recently_signed_in
    @button(
        "Invite someone",
        icon="person_add",
        path="invite",
        permission="invite",
        question="Invite someone to the team?",
        explanation=(
            "We email them a link that works once, for a week. They sign in with this address or"
            " create an account with it, and add a second step, before they join. The owners are"
            " told, and they can decide on money a day later."
        ),
        form=Invite,
    )
    def invite(self, request: HttpRequest, form: Invite) -> HttpResponse:
        """Send the invitation."""
        values = form.cleaned_data
        try:
            row = invitations.invite(current_user(request), values["email"], values["role"])
        except invitations.InvitationRefused as refusal:
            form.add_error("email", str(refusal))
            return ask_again(request, self.invite, form)
        self.log_addition(request, row, f"Invited as {row.role.group}.")
        messages.success(request, f"We emailed an invitation to {row.email}.")
        return redirect("admin:portal_staffinvitation_team")

    @recently_signed_in
    @button(
        "Send again",
        icon="forward_to_inbox",
        path="send-again",
        permission="waiting",
        question="Send this invitation again?",
        explanation="It gets a new link, which works for a week. The old one stops working.",
    )
    def send_again(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Send it with a new link."""
        row = row_or_404(StaffInvitation, object_id)
        try:
            row = invitations.send_again(row.pk, current_user(request))
        except invitations.InvitationRefused as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, row, "Sent again, with a new link.")
            messages.success(request, f"We emailed the invitation to {row.email} again.")
        return redirect(show.page_of(row))

    @recently_signed_in
    @button(
        "Withdraw",
        icon="cancel_schedule_send",
        path="withdraw",
        permission="waiting",
        question="Withdraw this invitation?",
        explanation="Its link stops working right away. We don’t email anyone about it.",
        is_primary=False,
    )
    def withdraw(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Withdraw it."""
        row = row_or_404(StaffInvitation, object_id)
        try:
            invitations.withdraw(row.pk, current_user(request))
        except invitations.InvitationRefused as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, row, "Withdrawn.")
            messages.success(request, "The invitation is withdrawn.")
        return redirect(show.page_of(row))

    @column("Role")
    def as_what(self, row: StaffInvitation) -> str:
        """The role that it gives."""
        return row.role.group.name

    @column("State", ordering="state")
    def state_badge(self, row: StaffInvitation) -> SafeString:
        """What became of it."""
        state = InvitationState(row.state)
        if state == InvitationState.WAITING and row.expires_at <= timezone.now():
            return show.badge("Expired", "warning")
        return show.badge(str(state.label), STATES[state])

    @column("Invited by")
    def inviter(self, row: StaffInvitation) -> SafeString | str:
        """Link to who sent it last."""
        return show.member(row.invited_by)

    @column("Sent", ordering="sent_at")
    def sent(self, row: StaffInvitation) -> str:
        """When it was sent last."""
        return show.moment(row.sent_at)

    @column("Works until", ordering="expires_at")
    def until(self, row: StaffInvitation) -> str:
        """When its link stops working."""
        return show.moment(row.expires_at)

    @column("Accepted or withdrawn")
    def ended(self, row: StaffInvitation) -> str:
        """When."""
        return show.moment(row.ended_at)

    @column("Joined as")
    def colleague(self, row: StaffInvitation) -> SafeString | str:
        """Link to who accepted it."""
        return show.member(row.user)

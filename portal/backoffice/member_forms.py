"""The forms on a member's page: their profile, and a new account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from unfold.admin import StackedInline
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from common.fields import MailboxField, WordsField, WordsOfStaff
from common.staff import show
from common.staff.parts import column
from emails import preferences
from emails.models import Channel
from emails.topics import TOPICS, Topic
from members.accounts import is_taken
from members.admin.profiles import sms_badge
from members.models import Member


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The profile's form. Django also asks for one for a new row, whose phone is required."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["instance"] = kwargs.get("instance") or Member(phone="")
        super().__init__(*args, **kwargs)


class MemberInline(WordsOfStaff, StackedInline):  # type: ignore[misc]
    """The profile. Phone and consent are the member's own, so they're read-only for staff."""

    model = Member
    form = ProfileForm
    can_delete = False
    tab = True
    verbose_name = verbose_name_plural = "Phone and preferences"
    fields = [
        *("phone", "verified", "sms", "agreed", "stopped", "turned_off"),
        *("language", "time_zone"),
    ]
    readonly_fields = ["phone", "verified", "sms", "agreed", "stopped", "turned_off"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The database makes every user's row."""
        return False

    @column("Phone verified")
    def verified(self, row: Member) -> str:
        """When a code sent to it was entered."""
        return show.moment(row.phone_verified_at)

    @column("Gets text messages")
    def sms(self, row: Member) -> SafeString:
        """Whether we may text them."""
        return sms_badge(row)

    @column("Agreed to text messages")
    def agreed(self, row: Member) -> str:
        """When and where."""
        where = row.get_sms_consent_source_display()
        return f"{show.moment(row.sms_consent_at)}{f', {where}' if where else ''}"

    @column("Stopped text messages")
    def stopped(self, row: Member) -> str:
        """When."""
        return show.moment(row.sms_stopped_at)

    @column("Turned off")
    def turned_off(self, row: Member) -> str:
        """The topics that they don't want, by channel; the log shows such messages as not sent."""
        lines = [
            (_("%(topic)s by email") if channel == Channel.EMAIL else _("%(topic)s by text"))
            % {"topic": TOPICS[Topic(topic)].title}
            for topic, channel in sorted(preferences.switched_off(row.user))
        ]
        return ", ".join(lines) or show.NOTHING


class OpenAccountForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Open an account for someone: they sign in by code and can set a password later."""

    email = MailboxField(
        label="Email address",
        widget=UnfoldAdminEmailInputWidget,
        help_text="It counts as verified: make sure that it is theirs.",
    )
    first_name = WordsField(widget=UnfoldAdminTextInputWidget, max_length=150)
    last_name = WordsField(widget=UnfoldAdminTextInputWidget, max_length=150, required=False)

    class Meta:
        model = User
        fields = ["email", "first_name", "last_name"]

    def clean_email(self) -> str:
        """Refuse an address that someone signs in with."""
        email: str = self.cleaned_data["email"]
        if is_taken(email):
            raise forms.ValidationError(_("Someone already has an account with this address."))
        return email

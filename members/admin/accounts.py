"""allauth's records of accounts, on the staff site."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter

from common.staff import show
from common.staff.parts import column
from common.staff.read_only import ReadOnlyAdmin
from members import search

# Nobody may see an authenticator's secret; there's only `manage.py remove_second_step`.
for taken in (EmailAddress, UserSession, Authenticator, SocialAccount, SocialApp, SocialToken):
    if admin.site.is_registered(taken):
        admin.site.unregister(taken)


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin):
    """The addresses that members sign in with; only their owners change and verify them."""

    person_field = "user_id"
    search_fields = ["email__istartswith"]
    search_help_text = "Part of a name or email address, or a phone number"
    list_display = ["email", "who", "verified", "primary"]
    list_select_related = ["user"]
    list_filter = [("verified", BooleanRadioFilter)]
    ordering = ["-id"]
    fieldsets = [(None, {"fields": ["email", "owner", "verified", "primary"]})]

    def find_persons(self, term: str) -> list[int]:
        """Find the users whom addresses belong to."""
        return search.people(term)

    @column("Member")
    def who(self, row: EmailAddress) -> str:
        """The name."""
        return show.name_of(row.user)

    @column("Member")
    def owner(self, row: EmailAddress) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    """Who is signed in where. The session key is secret and isn't shown."""

    person_field = "user_id"
    search_fields = ["ip"]
    search_help_text = "Part of a name or email address, a phone number, or an IP address"
    list_display = ["who", "ip", "user_agent", "began"]
    list_select_related = ["user"]
    ordering = ["-id"]
    fieldsets = [(None, {"fields": ["owner", "ip", "user_agent", "began"]})]

    def find_persons(self, term: str) -> list[int]:
        """Find the users whom sessions belong to."""
        return search.people(term)

    @column("Member", header=True)
    def who(self, row: UserSession) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.user), row.user.email]

    @column("Member")
    def owner(self, row: UserSession) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Signed in", ordering="id")
    def began(self, row: UserSession) -> str:
        """When, and how long ago."""
        return show.moment(row.created_at)

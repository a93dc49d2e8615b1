"""Members' records on the staff site: sign-ins, activity, and the terms they agreed to."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from common.staff import show
from common.staff.filters import by_day, titled
from common.staff.parts import column
from common.staff.read_only import ReadOnlyAdmin
from members import access_changes, search
from members.display import device
from members.models import AccessChange, AccountActivity, Device, SignIn, TermsAcceptance


class RecordAdmin(ReadOnlyAdmin):
    """Rows that belong to a user."""

    person_field = "user_id"
    list_select_related = ["user"]
    ordering = ["-id"]

    def find_persons(self, term: str) -> list[int]:
        """Find the users whom the rows belong to."""
        return search.people(term)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow our own links to one member's rows."""
        return lookup == "user__id__exact" or super().lookup_allowed(lookup, value, request)

    @column("Member", header=True)
    def who(self, row: Any) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.user), row.user.email]

    @column("Member")
    def owner(self, row: Any) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("When", ordering="id")
    def when(self, row: Any) -> str:
        """When, and how long ago."""
        return show.moment(row.happened_at)


@admin.register(SignIn)
class SignInAdmin(RecordAdmin):
    """Who signed in when, from where, and how. Old rows are deleted."""

    search_fields = ["ip"]
    search_help_text = "Part of a name or email address, a phone number, or an IP address"
    list_display = ["who", "when", "ip", "device", "method"]
    list_filter = [("happened_at", by_day("day"))]
    fieldsets = [(None, {"fields": ["owner", "when", "ip", "device", "user_agent", "method"]})]

    @column("Browser")
    def device(self, row: SignIn) -> str:
        """The browser in words."""
        return device(row.user_agent) or show.NOTHING


@admin.register(AccountActivity)
class AccountActivityAdmin(RecordAdmin):
    """What changed about an account or its membership, and who did it. Old rows are deleted."""

    search_fields = ["ip"]
    search_help_text = "Part of a name or email address, a phone number, or an IP address"
    list_display = ["who", "what", "detail", "by_whom", "when", "device", "ip"]
    list_filter = [
        ("kind", titled(ChoicesDropdownFilter, "change")),
        ("by", titled(ChoicesDropdownFilter, "by")),
        ("happened_at", by_day("day")),
    ]
    nothing = "No account has changed yet."
    fieldsets = [
        (None, {"fields": ["what", "detail", "by_whom", "owner", "when"]}),
        ("Where it came from", {"fields": ["ip", "device", "user_agent"]}),
    ]

    @column("Change", ordering="kind")
    def what(self, row: AccountActivity) -> str:
        """What changed."""
        return row.get_kind_display()

    @column("By", ordering="by")
    def by_whom(self, row: AccountActivity) -> str:
        """Who did it, if that's known."""
        return row.get_by_display() or show.NOTHING

    @column("Browser")
    def device(self, row: AccountActivity) -> str:
        """The browser in words; changes that came from elsewhere have none."""
        return device(row.user_agent) or show.NOTHING


@admin.register(TermsAcceptance)
class TermsAcceptanceAdmin(RecordAdmin):
    """Who agreed to which version of the terms."""

    search_help_text = "Part of a name or email address, or a phone number"
    search_fields = ["version__istartswith"]
    list_display = ["who", "version", "where", "when", "ip"]
    list_filter = [("where", ChoicesDropdownFilter), ("happened_at", by_day("day"))]
    fieldsets = [(None, {"fields": ["owner", "version", "page", "where", "when", "ip"]})]

    @column("The terms")
    def page(self, row: TermsAcceptance) -> SafeString:
        """Link to the text as it is now."""
        return show.anchor(row.url, row.url)


@admin.register(Device)
class DeviceAdmin(RecordAdmin):
    """Browsers that have signed in before. The contents of their cookies aren't shown."""

    search_help_text = "Part of a name or email address, or a phone number"
    list_display = ["who", "seen"]
    list_filter = [("seen_at", by_day("day"))]
    fieldsets = [(None, {"fields": ["owner", "seen"]})]

    @column("Last signed in", ordering="seen_at")
    def seen(self, row: Device) -> str:
        """When, and how long ago."""
        return show.moment(row.seen_at)


@admin.register(AccessChange)
class AccessChangeAdmin(RecordAdmin):
    """Changes of staff accounts. After a change by others, they can't move money for a day."""

    search_help_text = "Part of a name or email address, or a phone number"
    list_display = ["who", "what", "by", "hold", "when"]
    list_select_related = ["user", "actor"]
    list_filter = [("happened_at", by_day("day")), ("holds", BooleanRadioFilter)]
    fieldsets = [(None, {"fields": ["owner", "what", "by", "hold", "when"]})]

    @column("Decides on money")
    def hold(self, row: AccessChange) -> SafeString | str:
        """When the hold that this change put on the account ends."""
        if not row.holds:
            return "Yes"
        until = row.happened_at + access_changes.HOLD
        if until <= timezone.now():
            return f"Since {show.day(until)}"
        return show.badge("On hold", "warning")

    @column("By")
    def by(self, row: AccessChange) -> SafeString | str:
        """Link to who did it, or where it came from."""
        return show.member(row.actor) if row.actor else row.get_origin_display()

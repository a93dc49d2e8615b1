"""What isn't set up at Stripe, with the remedy, and events that aren't for this portal."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from billing.admin.records import RecordAdmin
from billing.admin.stripe_links import stripe_url
from billing.core.statuses import IgnoredBecause
from billing.models import IgnoredEvents, MissingSetup
from common.staff import show
from common.staff.parts import column

REMEDIES = {
    IgnoredBecause.THIN: (
        "The endpoint at Stripe sends thin events, which carry no object. In Stripe's dashboard,"
        " open Workbench, Webhooks, and let a destination with snapshot payloads send the events"
        " that the setup guide lists. Thin ones can be switched off there."
    ),
    IgnoredBecause.OTHER_MODE: (
        "The endpoint of Stripe's other mode (live or test) has this portal's address, too. In"
        " Stripe's dashboard, change to that mode and remove the endpoint there."
    ),
    IgnoredBecause.CONNECTED: (
        "The endpoint at Stripe also sends events of connected accounts. In Stripe's dashboard,"
        " open Workbench, Webhooks, and let this portal's destination listen to your account only."
    ),
}
PORTAL_REMEDY = (
    "In Stripe's dashboard, open Settings, Billing, Customer portal. Let customers update their"
    " payment methods, and save. Until then nobody can change a card here."
)


@admin.register(IgnoredEvents)
class IgnoredEventsAdmin(RecordAdmin):
    """Correctly signed events that aren't for us."""

    list_display = ["type", "reason", "count", "last", "first"]
    list_filter = [("reason", ChoicesDropdownFilter)]
    nothing = "Every event was for this portal."
    fieldsets = [(None, {"fields": ["reason", "type", "count", "last", "first", "last_id"]}),
                 ("What to do", {"fields": ["remedy"]})]  # fmt: skip

    @column("Last came", ordering="last_at")
    def last(self, row: IgnoredEvents) -> SafeString:
        """When the last one came."""
        return show.when(row.last_at)

    @column("First came")
    def first(self, row: IgnoredEvents) -> SafeString:
        """When the first one came."""
        return show.when(row.first_at)

    @column("Remedy")
    def remedy(self, row: IgnoredEvents) -> str:
        """How to stop them."""
        return REMEDIES[IgnoredBecause(row.reason)]


@admin.register(MissingSetup)
class MissingSetupAdmin(RecordAdmin):
    """What members can't do until it's set up."""

    list_display = ["name", "found"]
    nothing = "Everything is set up."
    fieldsets = [(None, {"fields": ["name", "found", "remedy", "at_stripe"]})]

    @column("Found missing", ordering="found_at")
    def found(self, row: MissingSetup) -> SafeString:
        """When it was noticed."""
        return show.when(row.found_at)

    @column("Remedy")
    def remedy(self, row: MissingSetup) -> str:
        """What to do about it."""
        return PORTAL_REMEDY

    @column("At Stripe")
    def at_stripe(self, row: MissingSetup) -> SafeString:
        """A link to it."""
        return show.anchor(stripe_url("settings/billing", "portal"), "Customer portal")

"""Visits to Stripe Checkout."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from billing.admin import labels
from billing.admin.records import RecordAdmin
from billing.models import Checkout
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import column


@admin.register(Checkout)
class CheckoutAdmin(RecordAdmin):
    """Visits to Stripe Checkout: who started to pay for what, and how far they got."""

    person_field = "customer_id"
    search_fields = ["session_id__startswith"]
    search_help_text = "Part of a name or email address, phone number, or cs_…"
    list_display = ["who", "what", "state_badge", "started", "came_back"]
    list_select_related = ["customer__user"]
    list_filter = [("state", ChoicesDropdownFilter), ("created_at", by_day("day started"))]
    fieldsets = [
        (None, {"fields": ["state_badge", "member", "what", "started", "came_back", "expires"]}),
        ("Belongs together", {"fields": ["request_link", "payment_link"]}),
        ("At Stripe", {"fields": ["session_id", "price_id"]}),
    ]

    @column("Member", header=True)
    def who(self, row: Checkout) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.customer.user), row.customer.user.email]

    @column("Member")
    def member(self, row: Checkout) -> SafeString | str:
        """Link to the member."""
        return show.member(row.customer.user)

    @column("State", ordering="state")
    def state_badge(self, row: Checkout) -> SafeString:
        """How far it got."""
        return show.state(row, "state", labels.CHECKOUT)

    @column("For", ordering="purpose")
    def what(self, row: Checkout) -> str:
        """The membership, or the one-time payment."""
        if row.amount is None:
            return str(row.get_purpose_display())
        return f"{show.money(row.amount, row.currency)}: {row.description}"

    @column("Payment request")
    def request_link(self, row: Checkout) -> SafeString | str:
        """Link to the request that it pays."""
        return show.link(row.request)

    @column("Payment")
    def payment_link(self, row: Checkout) -> SafeString | str:
        """Link to the resulting payment."""
        return show.link(row.payment)

    @column("Started", ordering="created_at")
    def started(self, row: Checkout) -> str:
        """When the member started."""
        return show.moment(row.created_at)

    @column("Came back having paid")
    def came_back(self, row: Checkout) -> str:
        """When the member came back."""
        return show.moment(row.returned_at)

    @column("Expires")
    def expires(self, row: Checkout) -> str:
        """When Stripe closes the session."""
        return show.moment(row.expires_at)

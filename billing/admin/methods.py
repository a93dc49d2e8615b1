"""Saved payment methods on the staff site: what a member pays with, and until when it works."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RadioFilter

from billing.admin.copies import Rows, StripeCopyAdmin
from billing.admin.stripe_links import stripe_url
from billing.core import texts
from billing.core.statuses import CHARGED_SUBSCRIPTION
from billing.models import PaymentMethod
from billing.pages.card_lines import WALLETS
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import column


def called(row: PaymentMethod) -> str:
    """Return "Visa ending in 4242", or Stripe's type for what has no number, such as Link."""
    return texts.card(row.card_brand, row.card_last4) or row.kind.replace("_", " ").title()


class ExpiredFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Cards past the month that's printed on them."""

    title = "expired"
    parameter_name = "expired"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("yes", "Expired"), ("no", "Not expired")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep one of them; what isn't a card doesn't expire."""
        month = f"{timezone.localdate():%Y-%m}"
        expired = queryset.exclude(card_expires="").filter(card_expires__lt=month)
        if self.value() == "yes":
            return expired
        return queryset.exclude(pk__in=expired.values("pk")) if self.value() == "no" else queryset


@admin.register(PaymentMethod)
class PaymentMethodAdmin(StripeCopyAdmin):
    """Cards and other payment methods that members have saved. One that was removed has no row."""

    search_fields = ["stripe_id__startswith"]
    last4_field = "card_last4"
    search_help_text = "Part of a name or email address, phone number, last four digits, or pm_…"
    list_display = ["who", "card", "wallet_name", "expires", "is_charged", "saved"]
    list_filter = [ExpiredFilter, ("created_at", by_day("day saved"))]
    # New rows have the highest number, and only that has an index.
    ordering = ["-id"]
    nothing = "Nobody has saved a card yet."
    fieldsets = [
        (None, {"fields": ["card", "wallet_name", "expires", "is_charged", "member"]}),
        ("Belongs together", {"fields": ["customer_link", "events"]}),
        ("Copy of Stripe's record", {
            "fields": ["stripe_id", "kind", "fingerprint", "saved", "read"],
        }),
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Their customers' subscriptions, too: one more query for the whole page."""
        rows: Rows = super().get_queryset(request)
        return rows.prefetch_related("customer__subscriptions")

    def stripe_page(self, row: PaymentMethod) -> str:
        """Stripe shows payment methods on their customer's page."""
        return stripe_url("customers", row.customer.stripe_id)

    @column("Payment method")
    def card(self, row: PaymentMethod) -> str:
        """Brand and last digits."""
        return called(row)

    @column("Wallet")
    def wallet_name(self, row: PaymentMethod) -> str:
        """The wallet it's in, if it's in one."""
        return WALLETS.get(row.wallet, row.wallet) or show.NOTHING

    @column("Expires", ordering="card_expires")
    def expires(self, row: PaymentMethod) -> SafeString | str:
        """The month printed on a card, in red once it's over."""
        words = texts.card_expiry(row.card_expires)
        if row.has_expired(timezone.localdate()):
            return show.badge(words, "danger")
        return words or show.NOTHING

    @column("Charged")
    def is_charged(self, row: PaymentMethod) -> SafeString | str:
        """Whether it's the default, or pays a subscription that's charged."""
        if row.customer.default_method_id == row.stripe_id:
            return show.badge("Default", "success")
        paid = (one for one in row.customer.subscriptions.all() if one.method_id == row.stripe_id)
        if any(one.status in CHARGED_SUBSCRIPTION for one in paid):
            return show.badge("Subscription", "success")
        return show.NOTHING

    @column("Saved", ordering="created_at")
    def saved(self, row: PaymentMethod) -> str:
        """When it was saved at Stripe."""
        return show.moment(row.created_at)

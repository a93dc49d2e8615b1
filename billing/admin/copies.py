"""Copies of Stripe's objects for staff: names, money, state; nothing to edit."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from billing.admin import labels
from billing.admin.records import RecordAdmin
from billing.core import fraud_texts, texts
from billing.models import Customer, FraudWarning, Invoice, Payment, StripeEvent
from common.staff import show
from common.staff.parts import column

SHOWN = 12
Rows = QuerySet[Any]


class StripeCopyAdmin(RecordAdmin):
    """A copy of a Stripe object that belongs to a customer."""

    person_field = "customer_id"
    list_select_related = ["customer__user"]
    actions_detail: ClassVar[list[Any]] = ["open_in_stripe"]
    actions_row = ["open_in_stripe"]

    def palette_title(self, row: Any) -> str:
        """Whose it is, and what."""
        return f"{show.name_of(row.customer.user)}: {row}"

    @column("Member", ordering="customer__name", header=True)
    def who(self, row: Any) -> list[str]:
        """Name over email address."""
        user = row.customer.user
        return [show.name_of(user), user.email]

    @column("Member")
    def member(self, row: Any) -> SafeString | str:
        """Link to the member."""
        return show.member(row.customer.user)

    @column("Customer")
    def customer_link(self, row: Any) -> SafeString | str:
        """Link to the customer."""
        return show.link(row.customer)

    @column("Card")
    def card(self, row: Any) -> str:
        """ "Visa ending in 4242"."""
        return texts.card(row.card_brand, row.card_last4) or show.NOTHING

    @column("Last read from Stripe")
    def read(self, row: Any) -> str:
        """When the row was last known to be current."""
        return show.moment(row.read_at)

    @column("Webhook events")
    def events(self, row: Any) -> SafeString | str:
        """Links to the events about this very object, newest first."""
        events = StripeEvent.objects.filter(object_id=row.stripe_id).defer("payload")[:SHOWN]
        return show.links([(show.page_of(event), event.type) for event in events])


def disputes_of(row: Customer | Payment) -> list[tuple[str, str]]:
    """Return links to the disputes of a payment, or of all of a customer's payments."""
    return [
        (
            show.page_of(one),
            f"{one.money}, {labels.dispute(one).lower()}",
        )
        for one in row.disputes.all()[:SHOWN]
    ]


def fraud_warnings_of(row: Payment) -> list[tuple[str, str]]:
    """Return links to what banks report about a payment."""
    found = FraudWarning.objects.filter(payment=row).select_related("payment")[:SHOWN]
    return [
        (
            show.page_of(one),
            f"{labels.fraud_warning(one)[0]}: {fraud_texts.report(one.fraud_type)}",
        )
        for one in found
    ]


def on_day(row: Invoice | Payment) -> str:
    """Return "$29.00 on Nov 4, 2026"."""
    return f"{row.money} on {show.day(row.created_at)}"

"""Customers, and everything they have."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Prefetch
from django.http import HttpRequest
from django.utils.safestring import SafeString

from billing.admin import labels
from billing.admin import methods as saved_methods
from billing.admin.copies import SHOWN, Rows, StripeCopyAdmin, disputes_of, on_day
from billing.admin.refunds.case import refunds_of
from billing.facts import income, memberships
from billing.models import Customer, Refund, Subscription
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import column
from members.search import people

MONEY = ["subscriptions", "methods", "invoices", "payments", "refunds", "disputes"]


@admin.register(Customer)
class CustomerAdmin(StripeCopyAdmin):
    """Who pays."""

    stripe_path = "customers"
    person_field = "user_id"
    search_fields = ["stripe_id__startswith"]
    search_help_text = "Part of a name or email address, phone number, or cus_…"
    list_display = ["who", "membership", "created", "stripe_id"]
    ordering = ["-pk"]
    list_select_related = ["user"]
    list_filter = ["deleted_at_stripe", ("created_at", by_day("customer since"))]
    fieldsets = [
        (None, {"fields": ["member", "membership", "name", "email", "deleted_at_stripe"]}),
        ("Money", {"fields": MONEY}),
        ("What happened", {"fields": ["messages", "events"]}),
        ("Copy of Stripe's record", {"fields": ["stripe_id", "created", "read"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Customers with their subscriptions: one more query for the whole page."""
        newest = Subscription.objects.order_by("-started_at", "-id")
        rows: Rows = super().get_queryset(request)
        return rows.prefetch_related(Prefetch("subscriptions", newest))

    def palette_title(self, row: Customer) -> str:
        """The member's name."""
        return show.name_of(row.user)

    def find_persons(self, term: str) -> list[int]:
        """Find the users, which customers have as their own column."""
        return people(term)

    @column("Member", ordering="name", header=True)
    def who(self, row: Customer) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.user), row.user.email]

    @column("Member")
    def member(self, row: Customer) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Membership")
    def membership(self, row: Customer) -> SafeString | str:
        """State of their membership that counts: a live one, else the newest."""
        current = memberships.that_counts(row.subscriptions.all())
        return show.badge(*labels.subscription(current)) if current else show.NOTHING

    @column("Subscriptions")
    def subscriptions(self, row: Customer) -> SafeString | str:
        """Links to all of them."""
        return show.links(
            [
                (
                    show.page_of(one),
                    f"{one.name}: {labels.since(one)}",
                )
                for one in row.subscriptions.all()
            ]
        )

    @column("Payment methods")
    def methods(self, row: Customer) -> SafeString | str:
        """Links to what they've saved."""
        saved = row.payment_methods.all()[:SHOWN]
        return show.links([(show.page_of(one), saved_methods.called(one)) for one in saved])

    @column("Invoices")
    def invoices(self, row: Customer) -> SafeString | str:
        """Links to the newest, and to the full list."""
        links = [
            (
                show.page_of(one),
                on_day(one),
            )
            for one in row.invoices.all()[:SHOWN]
        ]
        return show.links([*links, _all("billing.invoice", row)] if links else [])

    @column("Payments")
    def payments(self, row: Customer) -> SafeString | str:
        """Links to the newest, and to the full list."""
        links = [
            (
                show.page_of(one),
                f"{on_day(one)}, {income.label(one).lower()}",
            )
            for one in row.payments.prefetch_related("disputes")[:SHOWN]
        ]
        return show.links([*links, _all("billing.payment", row)] if links else [])

    @column("Refunds")
    def refunds(self, row: Customer) -> SafeString | str:
        """Links to the newest."""
        return refunds_of(Refund.objects.filter(customer=row))

    @column("Disputes")
    def disputes(self, row: Customer) -> SafeString | str:
        """Links to the newest, and to the full list."""
        links = disputes_of(row)
        return show.links([*links, _all("billing.dispute", row)] if links else [])

    @column("Messages")
    def messages(self, row: Customer) -> SafeString | str:
        """Link to what we wrote them."""
        address = show.list_of("emails.message", user__id__exact=row.user_id)
        return show.anchor(address, "Everything we wrote")

    @column("Webhook events")
    def events(self, row: Customer) -> SafeString | str:
        """Link to every event about them."""
        address = show.list_of("billing.stripeevent", customer_id=row.stripe_id)
        return show.anchor(address, "Everything that Stripe told us")

    @column("Customer since", ordering="created_at")
    def created(self, row: Customer) -> str:
        """The day they were made at Stripe."""
        return show.day(row.created_at)


def _all(model: str, customer: Customer) -> tuple[str, str]:
    return show.list_of(model, customer__id__exact=customer.pk), "All"

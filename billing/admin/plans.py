"""What's on sale, and products' names."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from billing.admin.records import RecordAdmin
from billing.core import rhythms
from billing.models import Plan, Product
from common.staff import show
from common.staff.parts import column


@admin.register(Plan)
class PlanAdmin(RecordAdmin):
    """What's on sale, as last read from Stripe."""

    stripe_path = "prices"
    search_fields = ["name__istartswith", "stripe_id__startswith"]
    list_display = ["name", "price", "trial", "on_sale", "read", "stripe_id"]
    actions_detail = ["open_in_stripe"]
    fieldsets = [
        (None, {"fields": ["name", "price", "trial", "on_sale", "description"]}),
        ("Copy of Stripe's record", {"fields": ["stripe_id", "product_id", "read"]}),
    ]

    @column("Price", ordering="amount")
    def price(self, row: Plan) -> str:
        """ "$29.00 a month"."""
        every = rhythms.interval(row.interval, row.interval_count)
        return f"{row.money} a {every}"

    @column("Trial")
    def trial(self, row: Plan) -> str:
        """ "14 days"."""
        return f"{row.trial_days} days" if row.trial_days else "None"

    @column("On sale", boolean=True, ordering="active")
    def on_sale(self, row: Plan) -> bool:
        """Whether Stripe still sells it."""
        return row.active

    @column("Last read from Stripe", ordering="read_at")
    def read(self, row: Plan) -> str:
        """When the row was last known to be current."""
        return show.moment(row.read_at)


@admin.register(Product)
class ProductAdmin(RecordAdmin):
    """What things are called that members are billed for."""

    stripe_path = "products"
    search_fields = ["name__istartswith", "stripe_id__startswith"]
    list_display = ["name", "is_plan", "read", "stripe_id"]
    actions_detail = ["open_in_stripe"]
    fieldsets = [(None, {"fields": ["name", "is_plan", "stripe_id", "read"]})]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add whether a price of it is or was the plan."""
        is_plan = Exists(Plan.objects.filter(product_id=OuterRef("stripe_id")))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(of_plan=is_plan)
        return rows

    @column("Is the membership", boolean=True)
    def is_plan(self, row: Any) -> bool:
        """Whether subscriptions to it are memberships."""
        return bool(row.of_plan)

    @column("Last read from Stripe", ordering="read_at")
    def read(self, row: Product) -> str:
        """When the row was last known to be current."""
        return show.moment(row.read_at)

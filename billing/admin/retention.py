"""Retention offers: what's offered, how often it was accepted, and what it costs."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter

from billing.admin import promotion_pages
from billing.admin.records import RecordAdmin
from billing.core.statuses import DecisionState
from billing.membership import retention
from billing.models import RetentionOffer, RetentionShowing
from billing.stripe import failures, gateway
from billing.stripe.snapshots import CouponSnapshot
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import column
from common.staff.read_only import IndexedSearch

logger = logging.getLogger(__name__)

Looked = CouponSnapshot | str


class OfferForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """An offer. `looked_up` is Stripe's coupon, or why it can't be used."""

    looked_up: Looked | None = None

    class Meta:
        model = RetentionOffer
        fields = ["headline", "text", "coupon_id", "every_months", "is_active"]

    def clean_coupon_id(self) -> str:
        """Copy the coupon's terms from Stripe."""
        coupon = self.looked_up
        if not isinstance(coupon, CouponSnapshot):
            raise ValidationError(coupon or "Enter the id of a coupon at Stripe.")
        terms = asdict(coupon)
        for name in ("percent_off", "amount_off", "currency", "duration", "months"):
            setattr(self.instance, name, terms[name])
        return coupon.id


def look_up(coupon_id: str) -> Looked:
    """Ask Stripe for a coupon; return it, or why it can't be used."""
    try:
        coupon = gateway.read_coupon(coupon_id)
    except gateway.StripeMissing:
        return "There is no coupon with this id at Stripe."
    except gateway.StripeUnavailable as error:
        failures.note(logger, error, "A coupon could not be looked up")
        return "Stripe did not answer. Please try again in a moment."
    except gateway.StripeError as error:
        failures.note(logger, error, "A coupon could not be looked up")
        return f"We could not ask Stripe what this coupon is: {error}"
    return coupon if coupon.valid else "This coupon has expired, or was used up."


@admin.register(RetentionOffer)
class RetentionOfferAdmin(IndexedSearch):
    """Offers to stay. Only one is active."""

    form = OfferForm
    search_fields = ["headline__istartswith"]
    list_display = ["headline", "gives", "is_active", "offered", "accepted", "cost"]
    list_filter = [("is_active", BooleanRadioFilter)]
    fieldsets = [
        (None, {"fields": ["headline", "text", "coupon_id", "every_months", "is_active"]}),
        ("What came of it", {"fields": ["gives", "offered", "accepted", "cost"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of coupons and promo codes."""
        return [*promotion_pages.urls(self), *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Ask Stripe for the coupon first, since forms are saved inside a transaction."""
        wanted = request.POST.get("coupon_id", "").strip()
        looked_up = look_up(wanted) if wanted and self._may_save(request) else None
        request._looked_up = looked_up  # type: ignore[attr-defined]  # noqa: SLF001
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _may_save(self, request: HttpRequest) -> bool:
        may = self.has_add_permission(request) or self.has_change_permission(request)
        return bool(may)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Pass Stripe's answer to this request's own form class."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.looked_up = getattr(request, "_looked_up", None)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Lock the coupon of an offer that someone has seen: its numbers belong to it."""
        shown = ["gives", "offered", "accepted", "cost"]
        return [*shown, "coupon_id"] if obj and obj.showings.exists() else shown

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Deactivate it instead: decisions refer to it."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Offers with the number of members who saw them, and who stayed."""
        rows: QuerySet[Any] = super().get_queryset(request)
        is_confirmed = Q(decisions__state=DecisionState.CONFIRMED)
        counted: QuerySet[Any] = rows.annotate(
            showing_count=Count("showings", distinct=True),
            accepted_count=Count("decisions", filter=is_confirmed, distinct=True),
        )
        return counted

    @column("Gives")
    def gives(self, row: RetentionOffer) -> str:
        """ "20% off for 3 months"."""
        return row.terms if row.pk else show.NOTHING

    @column("Members who saw it")
    def offered(self, row: Any) -> SafeString | str:
        """How many, with a link to them."""
        address = show.list_of("billing.retentionshowing", offer__id__exact=row.pk)
        return show.anchor(address, str(row.showing_count)) if row.pk else show.NOTHING

    @column("Stayed with it")
    def accepted(self, row: Any) -> SafeString | str:
        """How many, with a link to their decisions."""
        address = show.list_of("billing.membershipdecision", offer__id__exact=row.pk)
        return show.anchor(address, str(row.accepted_count)) if row.pk else show.NOTHING

    @column("Discounts on invoices since")
    def cost(self, row: RetentionOffer) -> str:
        """How much less the members who stayed have paid."""
        sums = retention.cost(row) if row.pk else []
        return ", ".join(map(str, sums)) or show.NOTHING


@admin.register(RetentionShowing)
class RetentionShowingAdmin(RecordAdmin):
    """Who saw an offer."""

    person_field = "customer_id"
    search_help_text = "Part of a name or email address, or a phone number"
    list_display = ["who", "what", "seen"]
    list_select_related = ["customer__user", "offer"]
    list_filter = [("first_at", by_day("day first seen"))]
    link_lookups = frozenset({"offer__id__exact"})
    fieldsets = [(None, {"fields": ["member", "what", "seen"]})]

    @column("Member", header=True)
    def who(self, row: RetentionShowing) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.customer.user), row.customer.user.email]

    @column("Member")
    def member(self, row: RetentionShowing) -> SafeString | str:
        """Link to the member."""
        return show.member(row.customer.user)

    @column("Offer")
    def what(self, row: RetentionShowing) -> SafeString | str:
        """Link to the offer."""
        return show.link(row.offer)

    @column("First seen", ordering="first_at")
    def seen(self, row: RetentionShowing) -> str:
        """When they first saw it."""
        return show.moment(row.first_at)

"""What lists and pages of billing share: found by customers, linked to Stripe's dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from billing.admin import search
from billing.admin.stripe_links import has_stripe_dashboard, stripe_url
from common.staff.parts import link_button
from common.staff.read_only import ReadOnlyAdmin


class RecordAdmin(ReadOnlyAdmin):
    """Rows about money: to be seen, never edited here.

    `person_field` holds customers. `stripe_path` is where Stripe's dashboard shows such an object
    by its `stripe_id`.
    """

    stripe_path = ""

    def find_persons(self, term: str) -> list[Any]:
        """Return the customers of the people of this name."""
        return search.customers(term)

    def has_dashboard_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether Stripe has a page to open."""
        return has_stripe_dashboard() and self.has_view_permission(request)

    @link_button("Open in Stripe", icon="open_in_new", path="stripe", permission="dashboard")
    def open_in_stripe(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to this object's page in Stripe's dashboard."""
        row = self.get_object(request, object_id)
        if row is None:
            return HttpResponseRedirect("..")
        return HttpResponseRedirect(self.stripe_page(row))

    def stripe_page(self, row: Any) -> str:
        """Return the address of a row's page in Stripe's dashboard."""
        return stripe_url(self.stripe_path, row.stripe_id)

"""The staff site itself: Unfold's, without what no page of ours shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from unfold.sites import UnfoldAdminSite


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]  # Unfold has no types
    """Unfold's site, which lists all models only for pages that show the list.

    Django makes that list for each page, with the permissions and addresses of every model. The
    sidebar has its own (`navigation`), so that was a quarter of a page's time for nothing.
    """

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return what this staff member may open, read when somebody looks into it."""
        return SimpleLazyObject(lambda: super(StaffSite, self).get_app_list(request, app_label))

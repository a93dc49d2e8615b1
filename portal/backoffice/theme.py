"""Unfold's settings: the staff site's brand, navigation, and home page.

This is read while settings load: it can't import Django's models or our apps. Callbacks are given
as dotted paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.http import HttpRequest


def unfold_theme(brand_name: str, brand_color: str) -> dict[str, Any]:
    """Return the `UNFOLD` setting for this brand."""

    # Functions, because Unfold imports any text that looks like a dotted path.
    def name(_request: HttpRequest) -> str:
        return brand_name

    def shades(_request: HttpRequest) -> dict[str, str]:
        from portal.backoffice.colors import primary_scale  # noqa: PLC0415  (needs the settings)

        return primary_scale(brand_color)

    return {
        "SITE_TITLE": name,
        "SITE_HEADER": name,
        "SITE_SYMBOL": "verified_user",
        "SITE_URL": "/",
        "SITE_DROPDOWN": [{"icon": "storefront", "title": "View portal", "link": "/"}],
        "SITE_FAVICONS": [
            {"rel": "icon", "type": "image/svg+xml", "href": "portal.backoffice.navigation.favicon"}
        ],
        "STYLES": ["portal.backoffice.navigation.stylesheet"],
        "SHOW_VIEW_ON_SITE": False,
        "SHOW_BACK_BUTTON": True,
        "BORDER_RADIUS": "8px",
        "COLORS": {"primary": shades},
        "ENVIRONMENT": "portal.backoffice.navigation.environment",
        "ENVIRONMENT_TITLE_PREFIX": "portal.backoffice.navigation.title_prefix",
        "DASHBOARD_CALLBACK": "portal.backoffice.home.page.dashboard",
        "ACCOUNT": {"navigation": "portal.backoffice.navigation.account_links"},
        "COMMAND": {
            "search_models": False,
            "search_callback": "portal.backoffice.search.everything",
        },
        "SIDEBAR": {
            "show_search": True,
            "command_search": True,
            "show_all_applications": False,
            "navigation": "portal.backoffice.navigation.sidebar",
        },
    }

"""Unfold's settings: the staff site's brand, navigation, and home page.

This is read while settings load: it can't import Django's models or our apps. Callbacks are given
as dotted paths.
"""

from __future__ import annotations

from typing import Any


def unfold_theme() -> dict[str, Any]:
    """Return the `UNFOLD` setting."""
    return {
        "SITE_TITLE": "portal.backoffice.navigation.brand_name",
        "SITE_HEADER": "portal.backoffice.navigation.brand_name",
        "SITE_ICON": "portal.backoffice.navigation.brand_icon",
        "SITE_SYMBOL": "verified_user",
        "SITE_URL": "/",
        "SITE_DROPDOWN": [{"icon": "storefront", "title": "View portal", "link": "/"}],
        "SITE_FAVICONS": [{"rel": "icon", "href": "portal.backoffice.navigation.favicon"}],
        "STYLES": ["portal.backoffice.navigation.stylesheet"],
        "SCRIPTS": [
            "portal.backoffice.navigation.names_script",
            "portal.backoffice.navigation.once_script",
        ],
        "SHOW_VIEW_ON_SITE": False,
        "SHOW_BACK_BUTTON": True,
        "BORDER_RADIUS": "8px",
        "COLORS": {"primary": "portal.backoffice.navigation.brand_shades"},
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
        "TABS": "portal.backoffice.navigation.tabs",
    }

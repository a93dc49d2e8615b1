"""The project itself as a Django app."""

from django.apps import AppConfig, apps

# Breadcrumbs show an app's name; Django's own is "Authentication and Authorization".
TITLES = {
    "account": "Members",
    "admin": "Staff",
    "auth": "Members",
    "procrastinate": "Integration",
    "usersessions": "Members",
}


class PortalConfig(AppConfig):
    """Health, brand and the staff site's own pages."""

    name = "portal"

    def ready(self) -> None:
        """Call the apps of others what the staff site's sidebar calls them."""
        for label, title in TITLES.items():
            apps.get_app_config(label).verbose_name = title

"""The project itself as a Django app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Health, brand and the staff site's own pages."""

    name = "portal"

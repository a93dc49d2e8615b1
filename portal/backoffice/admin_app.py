"""Django's admin as an app, with the staff site as its site."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Register every model at the staff site."""

    default_site = "portal.backoffice.site.StaffSite"

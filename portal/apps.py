"""The project itself as a Django app."""

from django.apps import AppConfig, apps

# Breadcrumbs show an app's name, Django's own is "Authentication and Authorization", and a model's.
# They are set on what others registered, as the other ways cost more. A config class of our own in
# INSTALLED_APPS would stand for each app, only to change a word, and hide the app's name there. A
# model's words could only come from a proxy, with addresses, permissions and a history of its own.
TITLES = {
    "account": "Members",
    "admin": "Staff",
    "auth": "Members",
    "portal": "Integration",
    "procrastinate": "Integration",
    "usersessions": "Members",
}
# One and many. Ours stand with the models.
MODELS = {
    "account.emailaddress": ("email address", "email addresses"),
    "admin.logentry": ("staff action", "staff actions"),
    "auth.user": ("member", "members"),
    "procrastinate.procrastinatejob": ("job", "jobs"),
}


class PortalConfig(AppConfig):
    """Health, brand and the staff site's own pages."""

    name = "portal"

    def ready(self) -> None:
        """Call the apps and models of others what the staff site's sidebar calls them."""
        from portal import checks  # noqa: F401, PLC0415  (registers them)

        for label, title in TITLES.items():
            apps.get_app_config(label).verbose_name = title
        for label, (one, many) in MODELS.items():
            # Migrations read what a model was written with, and not this.
            meta = apps.get_model(label)._meta
            meta.verbose_name, meta.verbose_name_plural = one, many

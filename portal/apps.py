"""The project itself as a Django app."""

from django.apps import AppConfig, apps

# Breadcrumbs show the names of apps and models, such as Django's "Authentication and
# Authorization". We rename what others registered, since the alternatives cost more: a config class
# per app in INSTALLED_APPS just to change a word, and a proxy per model with its own URLs,
# permissions, and history.
TITLES = {
    "account": "Members",
    "admin": "Staff",
    "auth": "Members",
    "portal": "Integration",
    "procrastinate": "Integration",
    "usersessions": "Members",
}
# Singular and plural. Ours are defined in the models.
MODELS = {
    "account.emailaddress": ("email address", "email addresses"),
    "admin.logentry": ("staff action", "staff actions"),
    "auth.user": ("member", "members"),
    "procrastinate.procrastinatejob": ("job", "jobs"),
}


class PortalConfig(AppConfig):
    """Health, brand, and the staff site's own pages."""

    name = "portal"

    def ready(self) -> None:
        """Rename other packages' apps and models to match the staff site's sidebar."""
        from portal import checks  # noqa: F401, PLC0415  (registers them)

        for label, title in TITLES.items():
            apps.get_app_config(label).verbose_name = title
        for label, (one, many) in MODELS.items():
            # Migrations read a model's original options, not these.
            meta = apps.get_model(label)._meta
            meta.verbose_name, meta.verbose_name_plural = one, many

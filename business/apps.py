"""What the owner decides about the business itself."""

from django.apps import AppConfig


class BusinessConfig(AppConfig):
    """What the owner decides about the business itself."""

    name = "business"
    verbose_name = "Business"

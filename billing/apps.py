"""Money: Stripe in, decisions out."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Money: Stripe in, decisions out."""

    name = "billing"
    verbose_name = "Membership and money"

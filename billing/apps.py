"""Money: Stripe in, decisions out."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Money: Stripe in, decisions out."""

    name = "billing"

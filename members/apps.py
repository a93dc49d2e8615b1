"""Who the members are."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """Who the members are."""

    name = "members"
    verbose_name = "Members"

"""Who the members are."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """Who the members are."""

    name = "members"
    verbose_name = "Members"

    def ready(self) -> None:
        """Connect allauth's signals about accounts."""
        from members.signin import own_changes  # noqa: F401, PLC0415  (its receivers)

"""What we say, and its delivery."""

from django.apps import AppConfig


class EmailsConfig(AppConfig):
    """What we say, and its delivery."""

    name = "emails"
    verbose_name = "Messages"

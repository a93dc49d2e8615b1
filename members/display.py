"""How a person is called on pages and in messages."""

from django.contrib.auth.models import User


def user_display(user: User) -> str:
    """Return the person's name, else their e-mail address; never the generated username."""
    return user.get_full_name() or user.email or "Member"

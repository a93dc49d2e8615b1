"""The only way to a member's records: everything starts from the signed-in member."""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from members.models import Member


def current_user(request: HttpRequest) -> User:
    """Return the signed-in user of a view behind `login_required`; a visitor gets a 403."""
    if not request.user.is_authenticated:
        raise PermissionDenied("This page needs a signed-in member.")
    return request.user


def current_member(request: HttpRequest) -> Member:
    """Return the signed-in user's profile, with its user attached."""
    return current_user(request).member

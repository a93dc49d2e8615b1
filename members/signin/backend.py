"""Authentication, and the user of a session."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import User


class MemberBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth ships no types
    """allauth's backend; each page's user is read with their profile, in one statement."""

    def get_user(self, user_id: int) -> User | None:
        """Return an active user with their member, or None."""
        user = User.objects.select_related("member").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None

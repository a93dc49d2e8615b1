"""Authentication, and the user of a session."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import User

from common.reads import Param, Part, Reading

USER = Part(lambda: User.objects.filter(pk=Param("user", "bigint")).select_related("member"))
FIND = Reading(USER)


class MemberBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth ships no types
    """allauth's backend; each page's user is read with their profile, in one statement."""

    def get_user(self, user_id: int) -> User | None:
        """Return an active user with their member, or None."""
        user = FIND(user=user_id).first(USER)
        return user if user and self.user_can_authenticate(user) else None

"""Authentication, and the user of a session."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from common.reads import Param, Part, Reading
from members.signin import sessions

USER = Part(lambda: User.objects.filter(pk=Param("user", "bigint")).select_related("member"))
FIND = Reading(USER)


class MemberBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth ships no types
    """allauth's backend; each page's user is read with their profile, in one statement."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Return whose password it is; one that was hashed the old way is hashed anew."""
        self._rehashed: list[tuple[User, str]] = []
        found: User | None = super().authenticate(request, **credentials)
        for user, before in self._rehashed:
            sessions.carry_over(request, user, before)
        return found

    def _check_password(self, user: User | None, password: str) -> User | None:
        before = user.password if user else ""
        found: User | None = super()._check_password(user, password)
        if user and user.password != before:
            self._rehashed.append((user, before))
        return found

    def get_user(self, user_id: int) -> User | None:
        """Return an active user with their member, or None."""
        user = FIND(user=user_id).first(USER)
        return user if user and self.user_can_authenticate(user) else None

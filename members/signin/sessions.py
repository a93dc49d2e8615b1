"""Signing out everywhere else: allauth ends the sessions, and we forget the other devices."""

from __future__ import annotations

from collections.abc import Sequence

from allauth.core import context
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession

from members.access import current_user
from members.signin import devices


class UserSessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]  # untyped
    """allauth's adapter for the sessions page."""

    def end_sessions(self, sessions: Sequence[UserSession]) -> None:
        """End a user's other sessions, and forget their browsers."""
        super().end_sessions(sessions)
        devices.forget_others(context.request, current_user(context.request))

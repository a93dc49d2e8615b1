"""Django's database sessions, read by a statement that's built and planned once."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from common.reads import Param, Part, Reading

SESSION = Part(
    lambda: Session.objects.filter(
        session_key=Param("key", "text"), expire_date__gt=Param("now", "timestamptz")
    )
)
FIND = Reading(SESSION)


class SessionStore(db.SessionStore):
    """Like Django's, with the same name and salt: each can read the other's sessions."""

    def _get_session_from_db(self) -> Any:
        session = FIND(key=self.session_key, now=timezone.now()).first(SESSION)
        if session is None:
            # Django's own way of saying that a key must not be reused.
            self._session_key = None
        return session

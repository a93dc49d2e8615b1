"""Django's sessions in the database, found by a statement that is written and planned once."""

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
    """As Django's, whose name and salt it shares: either reads the other's sessions."""

    def _get_session_from_db(self) -> Any:
        found = FIND(key=self.session_key, now=timezone.now()).first(SESSION)
        if found is None:
            # Django's own way of saying that a key is not to be used again.
            self._session_key = None
        return found

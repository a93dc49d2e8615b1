"""A member's email address among the alerts: mail comes back, or only some is sent."""

from __future__ import annotations

from billing.core.tones import Alert, Tone
from emails.models import Suppression
from members import mail_notices


def stopped(row: Suppression | None) -> list[Alert]:
    """Say that emails come back, or why only needed ones are sent."""
    if row is None:
        return []
    said = mail_notices.notice(row)
    return [
        Alert(
            Tone(said.tone),
            said.title,
            said.text,
            said.action,
            said.url,
            said.method,
            second=said.second,
            second_url=said.second_url,
        )
    ]

"""Email providers whose API the portal can use, and how they say that an address is dead (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any


class KeyIn(Enum):
    """Where a provider takes the key by which it knows a mail again."""

    REQUEST = "Idempotency-Key"
    MAIL = "idempotencyKey"


@dataclass(frozen=True)
class Provider:
    """A provider: its name, which django-anymail's classes have, too, and what it must be told.

    `hard` is where a report says what kind of bounce it was, and which kinds mean that the address
    is dead; * is whatever stands there. `keeps_message_id`: the header without which it gives mails
    a `Message-ID` of its own. `refuses`: headers with which it takes no mail. `can_track`: each
    mail may say that it mustn't be tracked. `knows_again`: where it takes a key by which it knows a
    mail again, among the request's headers or the mail's; `remembers`: for how long, by its
    documentation. `keeps_ours`: mails arrive under our `Message-ID`.
    """

    name: str
    settings: tuple[str, ...]
    hard: tuple[tuple[str, ...], frozenset[str]]
    keeps_message_id: tuple[str, str] | None = None
    refuses: frozenset[str] = frozenset()
    can_track: bool = True
    knows_again: KeyIn | None = None
    remembers: timedelta | None = None
    keeps_ours: bool = True


PROVIDERS: Mapping[str, Provider] = {
    "brevo": Provider(
        "Brevo",
        ("BREVO_API_KEY",),
        (("event",), frozenset({"hard_bounce", "invalid_email"})),
        can_track=False,
        knows_again=KeyIn.MAIL,
        # "Idempotency for batch emails". Its `messageId` is its own.
        remembers=timedelta(minutes=30),
        keeps_ours=False,
    ),
    "mailgun": Provider(
        "Mailgun",
        ("MAILGUN_API_KEY", "MAILGUN_WEBHOOK_SIGNING_KEY"),
        (("event-data", "reason"), frozenset({"bounce", "suppress-bounce"})),
    ),
    "mailjet": Provider(
        "Mailjet",
        ("MAILJET_API_KEY", "MAILJET_SECRET_KEY"),
        (("hard_bounce",), frozenset({"True"})),
        refuses=frozenset({"Message-ID"}),
        keeps_ours=False,
    ),
    "mailtrap": Provider(
        "Mailtrap",
        ("MAILTRAP_API_TOKEN",),
        (("event",), frozenset({"bounce"})),
        can_track=False,
    ),
    "postmark": Provider(
        "Postmark",
        ("POSTMARK_SERVER_TOKEN",),
        (("Type",), frozenset({"HardBounce", "BadEmailAddress"})),
        keeps_message_id=("X-PM-KeepID", "true"),
    ),
    "resend": Provider(
        "Resend",
        ("RESEND_API_KEY",),
        (("data", "bounce", "type"), frozenset({"Permanent"})),
        can_track=False,
        knows_again=KeyIn.REQUEST,
        # "Idempotency keys". It sends through Amazon SES, which replaces a `Message-ID`.
        remembers=timedelta(hours=24),
        keeps_ours=False,
    ),
    "sparkpost": Provider(
        "SparkPost",
        ("SPARKPOST_API_KEY",),
        (("msys", "*", "bounce_class"), frozenset({"10", "30"})),
    ),
}


def is_same_again(provider: Provider, waited: timedelta) -> bool:
    """Whether another try of a mail that may have gone out so long ago is the same mail.

    The provider knows it again by its key, or mail programs do by its `Message-ID`.
    """
    if provider.keeps_ours:
        return True
    return provider.remembers is not None and waited < provider.remembers


def says_dead(provider: Provider, report: Any) -> bool:
    """Whether a report, as the provider wrote it, calls the address dead."""
    path, kinds = provider.hard
    found = report
    for name in path:
        if not isinstance(found, Mapping):
            return False
        found = next(iter(found.values()), None) if name == "*" else found.get(name)
    return str(found) in kinds

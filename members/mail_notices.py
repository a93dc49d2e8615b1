"""What a member should know about their email address: mail comes back, or only some is sent."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _

from common import addresses
from emails import suppressing
from emails.models import Suppression, SuppressionReason

# The page that a notice is on, if it isn't home: its button leads back there.
HERE = "from"
NOTIFICATIONS = "notifications"


@dataclass(frozen=True)
class MailNotice:
    """What's wrong, and what the member can do: `action` first, then `second`, which posts."""

    tone: str
    title: str
    text: str
    action: str
    url: str
    method: str = "get"
    second: str = ""
    second_url: str = ""


def of(user: User) -> MailNotice | None:
    """Return what the page of notifications says about a member's address."""
    row = suppressing.of(user)
    return notice(row, NOTIFICATIONS) if row else None


def notice(row: Suppression, here: str = "") -> MailNotice:
    """Say that emails come back, or why only needed ones are sent."""
    works = reverse("members:email-works") + (f"?{urlencode({HERE: here})}" if here else "")
    if row.reason == SuppressionReason.COMPLAINED:
        return MailNotice(
            tone="info",
            title=_("You only get the emails you need"),
            text=_("You marked one of our emails as spam, so we stopped the others."),
            action=_("Send them again"),
            url=works,
            method="post",
        )
    text = _("Emails to %(email)s come back to us. Change your email, or tell us it works again.")
    return MailNotice(
        tone="bad",
        title=_("We can’t reach you by email"),
        text=text % {"email": addresses.readable(row.address)},
        action=_("Change email"),
        url=reverse("account_email"),
        second=_("It works again"),
        second_url=works,
    )

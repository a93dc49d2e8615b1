"""Whether a message is still true when it's about to be sent.

After an outage, "your payment failed" may no longer be true. `MESSAGE_CHECKS` names a map of checks
by kind, since this app knows nothing about money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings
from django.db.models import Q
from django.utils.module_loading import import_string

from emails.catalog import Kind
from emails.models import Message

# Returns why a message is no longer needed, or "".
Check = Callable[[Message], str]


def why_not_needed(message: Message) -> str:
    """Return why a message is no longer true, or "" if it's true or can't be checked."""
    if not message.cause or message.kind not in set(Kind):
        return ""
    checks: Mapping[Kind, Check] = import_string(settings.MESSAGE_CHECKS)
    check = checks.get(Kind(message.kind))
    return check(message) if check else ""


def about_the_same(message: Message) -> Q:
    """Return the condition for messages to the same address or number about the same thing.

    A cause begins with the ID of what it's about, such as an invoice or a refund.
    """
    thing = message.cause.partition(":")[0]
    if not thing:
        return Q(pk__in=[])
    same = Q(cause=thing) | Q(cause__startswith=f"{thing}:")
    return same & Q(recipient=message.recipient, channel=message.channel)

"""What the email provider reports about mails that it sent: delivered, late, bounced, complained.

That the provider wrote it, a secret proves; providers that sign their reports must have signed it,
too. Which mail it's about stands in what went along with it. Opens and clicks are left alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from common import addresses
from common.mail_providers import PROVIDERS, Provider, says_dead
from emails import bounces
from emails.bounce_reports import WORDS, Outcome, is_dead
from emails.models import Channel, Message, SuppressionSource

logger = logging.getLogger(__name__)

# As anymail names what happened.
OUTCOMES: Mapping[str, Outcome] = {
    "delivered": Outcome.DELIVERED,
    "deferred": Outcome.DELAYED,
    "rejected": Outcome.REFUSED,
    "failed": Outcome.REFUSED,
    "bounced": Outcome.BOUNCED,
    "complained": Outcome.COMPLAINED,
}
NUMBER = re.compile(r"[1-9][0-9]{0,17}")
# A mail server's own reply: a basic code, or an enhanced one.
REPLY = re.compile(r"\b[45]\d\d\b")
STATUS = re.compile(r"\b[45]\.\d{1,3}\.\d{1,3}\b")
# What reading nonsense ends with.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError)


@csrf_exempt
@require_http_methods(["HEAD", "POST"])
def events(request: HttpRequest) -> HttpResponse:
    """Take in what the provider reports.

    400: it can't be read. 403: the provider didn't write it. 404: there is no provider.
    """
    provider = PROVIDERS.get(settings.EMAIL_PROVIDER)
    if provider is None:
        return HttpResponse("No email provider is set up here.", status=404)
    if request.method == "HEAD":
        return HttpResponse()
    try:
        found = _read(request, provider)
    except _Refused as refusal:
        logger.warning("A report in the email provider's name was refused: %s", refusal.reason)
        return HttpResponse(refusal.answer, status=refusal.status)
    for event in found:
        take(event, provider)
    return HttpResponse()


class _Refused(Exception):
    """A request that's no report by the provider: what it's answered, and why."""

    def __init__(self, status: int, answer: str, reason: object) -> None:
        super().__init__(answer)
        self.status = status
        self.answer = answer
        self.reason = reason


def _read(request: HttpRequest, provider: Provider) -> list[Any]:
    """Return the events in a request that the provider has proved to be its own."""
    module = f"anymail.webhooks.{settings.EMAIL_PROVIDER}"
    view = import_string(f"{module}.{provider.name}TrackingWebhookView")()
    try:
        view.run_validators(request)
        return list(view.parse_events(request))
    except SuspiciousOperation as error:
        raise _Refused(403, "The secret or the signature is wrong.", error) from error
    except ImproperlyConfigured as error:
        raise _Refused(400, "Only reports about sent emails come here.", error) from error
    except (*UNREADABLE, RecursionError) as error:
        reason = type(error).__name__
        raise _Refused(400, "This can't be read as a report.", reason) from error


def take(event: Any, provider: Provider) -> bool:
    """Record one event; return whether it was news.

    Others' mails may go by the same account, so an event about none of ours is no mistake.
    """
    outcome = OUTCOMES.get(str(event.event_type))
    message = _message(event) if outcome else None
    if outcome is None or message is None:
        return False
    said = _said(event)
    if outcome in bounces.LOST:
        is_hard = says_dead(provider, event.esp_event) and _is_not_contradicted(said)
        outcome = Outcome.BOUNCED if is_hard else Outcome.REFUSED
    return bounces.record(message.pk, outcome, SuppressionSource.PROVIDER, said[:WORDS])


def _message(event: Any) -> Message | None:
    along = event.metadata if isinstance(event.metadata, Mapping) else {}
    # `emails.providers.MESSAGE`, which isn't loaded here.
    number = str(along.get("portal_message", ""))
    if not NUMBER.fullmatch(number):
        return None
    message = Message.objects.filter(pk=number, channel=Channel.EMAIL, emptied_at=None).first()
    recipient = str(event.recipient or "")
    if message is None or (
        recipient and addresses.canonical(recipient) != addresses.canonical(message.recipient)
    ):
        logger.warning("The email provider reported about a mail that isn't ours: %s", number)
        return None
    return message


def _said(event: Any) -> str:
    """Return the mail server's words, and the provider's."""
    parts = [event.mta_response, event.description]
    status = event.esp_event
    for name in ("event-data", "delivery-status", "enhanced-code"):
        status = status.get(name) if isinstance(status, Mapping) else None
    words = " ".join(" ".join(str(part).split()) for part in (status, *parts) if part)
    # What JSON may have and a database doesn't take.
    return words.replace("\0", "").encode(errors="replace").decode()


def _is_not_contradicted(said: str) -> bool:
    """Whether the mail server's own reply, if it's known, means a dead address, too."""
    status = STATUS.search(said)
    if status is None and not REPLY.search(said):
        return True
    return is_dead(status[0] if status else "", said)

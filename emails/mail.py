"""Send a message as email."""

from __future__ import annotations

import hashlib
import logging
import smtplib
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from common import addresses
from common.context import current_brand
from common.network import is_network_error
from emails import (
    attachments,
    copies,
    rendering,
    return_paths,
    smtp,
    smtp_replies,
    unsubscribe_links,
    ways,
)
from emails.catalog import spec_of
from emails.flowed import flowed
from emails.models import Message
from emails.problems import DeliveryProblem
from emails.smtp_lines import AnswerLost

logger = logging.getLogger(__name__)

GONE = (smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError)
NOT_CARRIED = (
    "Our mail server doesn't take letters such as ü before the @ (it doesn't offer SMTPUTF8). "
    "Ask the member for another address."
)


class _Mail(EmailMultiAlternatives):
    """An email whose plain text may be broken into lines anew."""

    def message(self, **options: Any) -> Any:
        """Return the mail as it's sent, with its text marked as flowed."""
        made = super().message(**options)
        for part in made.walk():
            if part.get_content_type() == "text/plain":
                part.set_param("format", "flowed")
        return made


def send(message: Message) -> str:
    """Hand a message to the mail server, or to a provider's API; return its Message-ID.

    Raises:
        DeliveryProblem: it refused the address for good, or couldn't take the mail now; or an
            earlier try may have gone out, and another one could arrive as a second mail.
    """
    _check_same_again(message)
    rendered = rendering.render_email(message)
    copies.note(message, subject=rendered.subject, html=rendered.html, text=rendered.text)
    identifier = message_id(message)
    if settings.EMAIL_PROVIDER:
        from emails import providers  # noqa: PLC0415  (loaded only where there's a provider)

        providers.send(_made(message, rendered), message, identifier)
        return identifier
    mail = _made(message, rendered)
    mail.body = flowed(rendered.text)
    # What's set as From in the headers is seen; this is where it comes back to.
    mail.from_email = return_paths.address(message.pk) or sender()
    mail.extra_headers["From"] = sender()
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _problem(code, words, named_recipient=True) from error
    except smtplib.SMTPResponseException as error:
        # The mail itself, our password, our sender address, or the server: usually fixable.
        raise _problem(error.smtp_code, error.smtp_error) from error
    except smtp.NotOffered as error:
        raise DeliveryProblem(NOT_CARRIED, is_permanent=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise _no_answer(error) from error
    except ValueError as error:
        raise DeliveryProblem(f"This is no email address: {error}", is_permanent=True) from error
    return identifier


def _check_same_again(message: Message) -> None:
    """Refuse to try again what may have gone out, unless that would be the same mail."""
    if message.unknown_since is None:
        return
    if why := ways.why_another(message.tried_by, timezone.now() - message.unknown_since):
        words = f"Another try could arrive as a second email: {why}."
        raise DeliveryProblem(f"{words} {message.error}".strip(), is_permanent=True)


def _made(message: Message, rendered: rendering.RenderedEmail) -> _Mail:
    mail = _Mail(
        subject=rendered.subject,
        body=rendered.text,
        from_email=sender(),
        to=[addresses.deliverable(message.recipient)],
        reply_to=[addresses.deliverable(_reply_to(message))],
        headers={
            "Message-ID": message_id(message),
            "Auto-Submitted": "auto-generated",
            "Feedback-ID": feedback_id(message),
            **unsubscribe_links.headers(message),
        },
    )
    mail.attach_alternative(rendered.html, "text/html")
    if pdf := attachments.of(message):
        mail.attach(pdf.name, pdf.content, "application/pdf")
    return mail


def _reply_to(message: Message) -> str:
    """Return where answers go: to us, or to the person whom a mail to staff is from."""
    return str(message.context.get("reply_to") or current_brand().support_email)


def sender() -> str:
    """Return who mails come from: the environment's address, under the name that staff saved.

    The address stays, because the mail server signs for its domain.
    """
    name = current_brand().name
    if name == settings.BRAND_NAME:
        return addresses.header(settings.DEFAULT_FROM_EMAIL)
    return addresses.named(name, addresses.split(settings.DEFAULT_FROM_EMAIL)[1])


def message_id(message: Message) -> str:
    """Return a row's Message-ID. A second try has the same one, and so is the same mail."""
    digest = hashlib.sha256(f"{settings.SECRET_KEY}:{message.dedupe_key}".encode()).hexdigest()
    return f"<{message.pk}.{digest[:24]}@{ways.current().domain}>"


def feedback_id(message: Message) -> str:
    """Return by what Gmail's Postmaster Tools count complaints: kind, category, and sender."""
    # The last part is the sender's, in 5 to 15 characters.
    sender_id = hashlib.sha256(ways.current().domain.encode()).hexdigest()[:12]
    return f"{message.kind}:{spec_of(message.kind).category}:portal:{sender_id}"


def _no_answer(error: smtplib.SMTPException | OSError) -> DeliveryProblem:
    """Return why there was no answer; log it as an error unless the network is to blame."""
    if isinstance(error, GONE) or is_network_error(error):
        is_unknown = isinstance(error, AnswerLost)
        return DeliveryProblem(f"The mail server can't be reached: {error}", is_unknown=is_unknown)
    logger.error("A mail could not be handed over through a fault of ours.", exc_info=error)
    words = f"It could not be handed over: {type(error).__name__}: {error}"
    return DeliveryProblem(words, is_our_fault=True)


def _problem(code: int, words: bytes | str, *, named_recipient: bool = False) -> DeliveryProblem:
    """Return the server's refusal. A 5yz that isn't about the recipient's mailbox is about us."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    is_permanent = smtp_replies.is_recipients(code, text, named_recipient=named_recipient)
    return DeliveryProblem(
        f"The mail server said: {code} {text}",
        is_permanent=is_permanent,
        is_our_fault=code >= 500 and not is_permanent,
        is_dead=smtp_replies.is_dead_address(code, text, named_recipient=named_recipient),
    )

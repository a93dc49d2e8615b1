"""Send a message as e-mail."""

from __future__ import annotations

import hashlib
import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from emails import rendering, smtp_replies
from emails.models import Message
from emails.problems import DeliveryProblem


def send(message: Message) -> str:
    """Hand a message to the SMTP server; return its Message-ID.

    Raises:
        DeliveryProblem: the server refused the address for good, or could not take the mail now.
    """
    rendered = rendering.render_email(message)
    identifier = message_id(message)
    mail = EmailMultiAlternatives(
        subject=rendered.subject,
        body=rendered.text,
        to=[message.recipient],
        reply_to=[settings.SUPPORT_EMAIL],
        headers={"Message-ID": identifier, "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(rendered.html, "text/html")
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _problem(code, words, named_recipient=True) from error
    except smtplib.SMTPResponseException as error:
        # The mail itself, our password, our sender address, or the server: mostly to be mended.
        raise _problem(error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryProblem(f"The mail server can't be reached: {error}") from error
    except ValueError as error:
        raise DeliveryProblem(f"This is no e-mail address: {error}", is_permanent=True) from error
    return identifier


def message_id(message: Message) -> str:
    """Return the Message-ID of a row: always the same, so that a second try is the same mail."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    digest = hashlib.sha256(f"{settings.SECRET_KEY}:{message.dedupe_key}".encode()).hexdigest()
    return f"<{message.pk}.{digest[:24]}@{domain}>"


def _problem(code: int, words: bytes | str, *, named_recipient: bool = False) -> DeliveryProblem:
    """Return what the server said. A 5yz that isn't about the recipient's mailbox is about us."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    is_permanent = smtp_replies.is_recipients(code, text, named_recipient=named_recipient)
    return DeliveryProblem(
        f"The mail server said: {code} {text}",
        is_permanent=is_permanent,
        is_our_fault=code >= 500 and not is_permanent,
    )

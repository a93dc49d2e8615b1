"""Chase's mails about a Zelle payment, and forged ones that look like them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from sandbox.bank import keys
from sandbox.bank.entries import ZELLE_OUT, ZONE, Entry
from sandbox.rendering import environment
from sandbox.world import World

SENDER = "no.reply.alerts"
LOOK_ALIKE = "chase-alerts.example"


@dataclass(frozen=True)
class Notice:
    """What a mail says, which may differ from what happened."""

    amount: int
    memo: str
    forged: str = "none"


def write(world: World, entry: Entry, notice: Notice) -> bytes:
    """The mail, signed as it should be, or as a forger would."""
    domain = LOOK_ALIKE if notice.forged == "look_alike" else keys.DOMAIN
    message = _message(world, entry, notice, domain)
    if notice.forged == "unsigned":
        return message
    is_ours = notice.forged == "none"
    return keys.sign(message, keys.own(world.directory) if is_ours else keys.of_a_forger(), domain)


def _message(world: World, entry: Entry, notice: Notice, domain: str) -> bytes:
    sent_at = datetime.fromtimestamp(entry["sent_at"], ZONE)
    message = EmailMessage(policy=SMTP)
    message["From"] = f"Chase <{SENDER}@{domain}>"
    message["To"] = world.bank_recipient
    message["Subject"] = f"You {'sent' if _is_out(entry) else 'received'} money with Zelle®"
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = f"<{secrets.token_hex(12)}@alerts.{domain}>"
    said = _said(entry, notice, sent_at)
    html = environment.get_template("bank_notice.html").render(**said)
    if entry["serial"] % 2:
        message.set_content(html, subtype="html", cte="quoted-printable")
    else:
        text = environment.get_template("bank_notice.txt").render(**said)
        message.set_content(text, cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
    return message.as_bytes()


def _is_out(entry: Entry) -> bool:
    return bool(entry["kind"] == ZELLE_OUT)


def _said(entry: Entry, notice: Notice, sent_at: datetime) -> dict[str, str]:
    """The values of the mail's lines, in one of the ways that Chase writes them."""
    serial, name = entry["serial"], entry["name"]
    if serial % 3 == 1:
        name = name.upper()
    suffix = " with Zelle®" if serial % 4 == 3 else ""
    headline = f"You sent money to {name}" if _is_out(entry) else f"{name} sent you money{suffix}"
    return {
        "headline": headline,
        "name": name,
        "amount": _amount(notice.amount, spare_cents=serial % 5 == 4),
        "sent_on": _sent_on(sent_at, in_full=serial % 2 == 0),
        "transaction": entry["transaction"],
        "memo": notice.memo or "N/A",
    }


def _amount(cents: int, *, spare_cents: bool) -> str:
    whole = f"${cents // 100:,}"
    return whole if spare_cents and cents % 100 == 0 else f"{whole}.{cents % 100:02}"


def _sent_on(moment: datetime, *, in_full: bool) -> str:
    return f"{moment:%B %-d, %Y at %-I:%M:%S %p %Z}" if in_full else f"{moment:%b %-d, %Y}"

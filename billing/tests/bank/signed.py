"""Mails of a bank, signed with a key of the tests' own."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

NOW = datetime(2026, 3, 28, 16, 0, tzinfo=UTC)
SELECTOR = "bank1"
SIGNED = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type")
# What chase.com puts around the figures, as tables in tables.
HTML = """<html><head><style>.x{{color:#fff}}</style></head><body>
<div style="display:none">Amount $9,999.00</div>
<table><tr><td><table>
<tr><td><h1>{name} sent you money</h1></td></tr>
<tr><td>Here are the details:</td></tr>
<tr><td>Amount</td><td><b>{amount}</b></td></tr>
<tr><td>Sent on</td><td>{sent_on}</td></tr>
<tr><td>Transaction number</td><td>{number}</td></tr>
<tr><td>Memo</td><td>{memo}</td></tr>
</table></td></tr></table>
<p>{name} is registered with Zelle<sup>®</sup>.</p>
</body></html>"""


@cache
def key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return a private key, one for each size."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def record(bits: int = 2048) -> bytes:
    """Return the TXT record of a key."""
    public = (
        key(bits)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def html(**values: str) -> str:
    """Return the HTML of a notification; keywords replace its values."""
    usual = {
        "name": "SAM DOE",
        "amount": "$29.00",
        "sent_on": "March 28, 2026 at 12:20:28 AM EDT",
        "number": "27250625041",
        "memo": "HY-7K3P-4",
    }
    return HTML.format(**usual | values)


def mail(body: str | None = None, *, plain: str = "", **headers: str) -> bytes:
    """Return a notification as it's sent, unsigned; keywords replace its headers."""
    message = EmailMessage(policy=SMTP)
    usual = {
        "From": "Chase <no.reply.alerts@chase.com>",
        "To": "owner@harbor.example",
        "Subject": "You received money with Zelle®",
        "Date": format_datetime(NOW),
        "Message-ID": "<1@alerts.chase.com>",
    }
    for name, value in (usual | {k.replace("_", "-"): v for k, v in headers.items()}).items():
        message[name] = value
    if plain:
        message.set_content(plain)
        message.add_alternative(body or html(), subtype="html")
    else:
        message.set_content(body or html(), subtype="html")
    return message.as_bytes()


def sign(
    message: bytes,
    domain: str = "chase.com",
    *,
    bits: int = 2048,
    headers: tuple[str, ...] = SIGNED,
    length: bool = False,
    algorithm: bytes = b"rsa-sha256",
) -> bytes:
    """Return a mail with a signature in front."""
    private = key(bits).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    present = {
        line.partition(b":")[0].lower() for line in message.split(b"\r\n\r\n")[0].splitlines()
    }
    chosen = [name.lower().encode() for name in headers if name.lower().encode() in present]
    signature: bytes = dkim.sign(
        message,
        SELECTOR.encode(),
        domain.encode(),
        private,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=chosen,
        length=length,
        signature_algorithm=algorithm,
    )
    return signature + message


def keys(bits: int = 2048, *domains: str) -> dict[str, bytes]:
    """Return DNS records of a key, for some domains or for Chase's."""
    return {f"{SELECTOR}._domainkey.{one}": record(bits) for one in domains or ("chase.com",)}

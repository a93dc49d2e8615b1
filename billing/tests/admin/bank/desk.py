"""A bank account whose files staff import, and payments that members await: for the tests here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billing.bank import references
from billing.models import BankAccount, BankMail, BankTransfer, ExpectedTransfer, ZelleTerms
from billing.zelle import importing

HEADER = "Details,Posting Date,Description,Amount,Type,Balance,Check or Slip #"
DAY = date(2026, 11, 4)
PREFIX = "HY"
MATCH = "/staff/billing/allocation/to-match/"
IMPORT = "/staff/billing/bankfile/import/"


def row(description: str, cents: int, balance: int | None, on: date = DAY) -> str:
    """Return a line of Chase's file; a pending one has no balance."""
    details = "CREDIT" if cents > 0 else "DEBIT"
    left = "" if balance is None else f"{balance / 100:.2f}"
    return f'{details},{on:%m/%d/%Y},"{description}",{cents / 100:.2f},MISC,{left},,'


def came(name: str, cents: int, balance: int, number: str = "", on: date = DAY) -> str:
    """Return the line of money that came by Zelle."""
    return row(f"Zelle payment from {name} {number}".strip(), cents, balance, on)


def content(*rows: str) -> bytes:
    """Return a file."""
    return "\r\n".join([HEADER, *rows, ""]).encode()


def upload(data: bytes, name: str = "Chase1234_Activity.CSV") -> SimpleUploadedFile:
    """Return a file as a browser sends it."""
    return SimpleUploadedFile(name, data, content_type="text/csv")


def account(name: str = "Chase checking") -> BankAccount:
    """Return the business's account."""
    return BankAccount.objects.get_or_create(name=name)[0]


def on_the_account(*rows: str) -> list[BankTransfer]:
    """Import a file of these lines; return the transfers, oldest first."""
    importing.store(account(), "activity.csv", content(*rows), None)
    return list(BankTransfer.objects.order_by("pk"))


def money(name: str, cents: int, number: str = "27250625041") -> BankTransfer:
    """Return money that's on the account."""
    before = BankTransfer.objects.count()
    on_the_account(came(name, cents, 100_000 + 1000 * before + cents, number))
    return BankTransfer.objects.order_by("-pk")[0]


def mail(state: str = "unverified", **fields: Any) -> BankMail:
    """Return an email that came."""
    number = BankMail.objects.count()
    values: dict[str, Any] = {
        "digest": f"{number:064}",
        "message_id": f"<{number}@alerts.chase.com>",
        "sender": "Chase <no.reply.alerts@chase.com>",
        "subject": "You received money with Zelle",
        "direction": "in",
        "name": "JANE DOE",
        "amount": 5000,
        "sent_on": DAY,
        "problem": "It has no valid signature.",
    }
    return BankMail.objects.create(state=state, **values | fields)


def terms(**fields: Any) -> ZelleTerms:
    """Return what the owner takes by Zelle: everything."""
    values: dict[str, Any] = {
        **dict.fromkeys(("takes_amounts", "takes_requests", "takes_memberships"), True),
        "name": "Harbor Yoga LLC",
        "address": "pay@harbor.example",
        "prefix": PREFIX,
    }
    return ZelleTerms.objects.create(pk=1, **values | fields)


def awaits(user: User, cents: int, description: str = "Workshop fee", **fields: Any) -> Any:
    """Return a payment that a member has chosen to make by Zelle."""
    values: dict[str, Any] = {
        "purpose": "amount",
        "amount": cents,
        "currency": "usd",
        "description": description,
        "reference": references.new(),
        "created_at": datetime(2026, 11, 3, 12, tzinfo=UTC),
    }
    return ExpectedTransfer.objects.create(user=user, **values | fields)


def page(client: Client, url: str, **typed: Any) -> str:
    """Return a page: after sending a form if there's something typed."""
    answer = client.post(url, typed, follow=True) if typed else client.get(url)
    return " ".join(answer.content.decode().split())


def said(client: Client, url: str, typed: dict[str, Any], status: int) -> str:
    """Send a form and return the page, which must have this status."""
    answer = client.post(url, typed)
    assert answer.status_code == status, answer.status_code
    return " ".join(answer.content.decode().split())


def chosen(rows: Sequence[Any]) -> list[Any]:
    """Return rows as of now."""
    return [type(one).objects.get(pk=one.pk) for one in rows]

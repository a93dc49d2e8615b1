"""The demo's payments by Zelle: one paid, a membership, one announced, and some for staff to match.

They happen today, since a bank's mail counts only for some days.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import qrcode
from django.conf import settings
from django.contrib.auth.models import User

from billing.facts import zelle
from billing.models import BankAccount, ExpectedTransfer, Item, ZelleTerms
from billing.zelle import expecting, importing, mailbox, receiving

ACCOUNT = "Chase checking"
NAME, ADDRESS = "Harbor Yoga LLC", "pay@harbor-yoga.example"
# Who pays what by Zelle.
PAID, ANNOUNCED, DOUBTFUL, WAITING = (
    ("Henry Adeyemi", 4_500, "Mat and blocks"),
    ("Clara Whitman", 6_000, "Weekend workshop"),
    ("Jonas Weber", 2_500, "Ten-class pass, last part"),
    ("Olivia Grant", 3_500, "Guest pass"),
)
NEW_MEMBER = "Mateo Silva"
STRANGER, STRANGERS_AMOUNT = "COASTAL PHYSICAL THERAPY, LLC", 12_000
SCALE, BORDER = 6, 4


class Sandbox(Protocol):
    """The running sandbox."""

    client: Any

    def control(self, path: str, **values: Any) -> Any:
        """Post to its control address."""


@dataclass(frozen=True)
class ZelleStory:
    """Makes them. `wait` waits until the worker has processed everything that arrived."""

    sandbox: Sandbox
    user: Callable[[str], User]
    wait: Callable[[], None]

    def tell(self) -> None:
        """Let members pay, the bank write, and the bookkeeper import the account's activity."""
        self._make_terms()
        paid = self._start(PAID)
        self._pay(paid, PAID[0].upper())
        member = self.user(NEW_MEMBER)
        joining = expecting.start_membership(member, settings.ZELLE_PRICE_ID)
        self._pay(joining, NEW_MEMBER.upper())
        self._start(DOUBTFUL)
        self._move(name="J WEBER", amount=DOUBTFUL[1], no_memo=True)
        self._move(name=STRANGER, amount=STRANGERS_AMOUNT, memo="Invoice 88")
        mailbox.read(receiving.receive)
        self._import()
        # After the file, so that it isn't in there.
        self._pay(self._start(ANNOUNCED), ANNOUNCED[0].upper())
        waiting = self._start(WAITING)
        # Somebody tries it with a mail that the bank never wrote.
        memo = zelle.shown(waiting)
        self._move(name="OLIVIA GRANT", amount=WAITING[1], memo=memo, forged="unsigned")
        mailbox.read(receiving.receive)
        self.wait()

    def _start(self, who: tuple[str, int, str]) -> ExpectedTransfer:
        name, amount, what = who
        member = self.user(name)
        item = Item.objects.filter(name=what).first()
        if item:
            return expecting.start_item(member, item.pk)
        return expecting.start_amount(member, amount, what)

    def _pay(self, expected: ExpectedTransfer, payer: str) -> None:
        expecting.say_sent(expected.user, expected.pk, expected.user.get_full_name())
        self._move(name=payer, amount=expected.amount, memo=zelle.shown(expected))

    def _move(self, **wanted: Any) -> None:
        self.sandbox.control("bank/transfers", **wanted)

    def _import(self) -> None:
        account, _ = BankAccount.objects.get_or_create(name=ACCOUNT)
        answer = self.sandbox.client.get("/bank/activity.csv")
        answer.raise_for_status()
        importing.store(account, "Chase1234_Activity.CSV", answer.content, self.user("Alex Morgan"))

    def _make_terms(self) -> None:
        values: dict[str, Any] = {
            **dict.fromkeys(("takes_amounts", "takes_requests", "takes_memberships"), True),
            "name": NAME,
            "address": ADDRESS,
            "prefix": "HY",
            "code": code_of(f"https://enroll.zellepay.example/qr-codes?data={ADDRESS}"),
            "code_type": "image/png",
            "changed_by": self.user("Alex Morgan"),
        }
        ZelleTerms.objects.update_or_create(pk=1, defaults=values)


def code_of(text: str) -> bytes:
    """Return a QR code as a PNG image, as the bank's app would make it."""
    made = qrcode.QRCode(border=BORDER)
    made.add_data(text)
    rows = [
        b"\0" + bytes(0 if dark else 255 for dark in row for _ in range(SCALE))
        for row in made.get_matrix()
        for _ in range(SCALE)
    ]
    side = len(rows)
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

"""The sandbox's bank, as tests use it: move money, read its file, look into its mailbox."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx


@dataclass(frozen=True)
class Bank:
    """The bank of a running sandbox. Amounts are cents."""

    url: str
    imap_port: int
    http: httpx.Client

    @property
    def imap_url(self) -> str:
        """Return where its mails are read."""
        return f"imap://bank:bank@127.0.0.1:{self.imap_port}/INBOX"

    def key(self) -> dict[str, str]:
        """Return the DNS records that its signatures are checked against."""
        found: dict[str, str] = self._get("/bank/key").json()
        return found

    def pay(self, name: str, amount: int, memo: str = "", **more: Any) -> dict[str, Any]:
        """Pay the business by Zelle; see `sandbox/bank/transfers.py` for what else can be said."""
        return self._transfer(name=name, amount=amount, memo=memo, **more)

    def send(self, name: str, amount: int, memo: str = "", **more: Any) -> dict[str, Any]:
        """Send money of the business by Zelle."""
        return self._transfer(name=name, amount=amount, memo=memo, direction="out", **more)

    def transfers(self) -> list[dict[str, Any]]:
        """Return the Zelle payments, newest first."""
        found: list[dict[str, Any]] = self._get("/_sandbox/bank/transfers").json()
        return found

    def post(self, transfer: dict[str, Any]) -> dict[str, Any]:
        """Put a late transfer into the file."""
        return self._post(f"bank/transfers/{transfer['id']}/post")

    def mail_again(self, transfer: dict[str, Any]) -> dict[str, Any]:
        """Send a transfer's mail again, with another Message-ID."""
        return self._post(f"bank/transfers/{transfer['id']}/mail")

    def file(self, first: date | None = None, last: date | None = None) -> bytes:
        """Return the account's activity as Chase's CSV file."""
        days = {"from": first, "to": last}
        query = {name: day.isoformat() for name, day in days.items() if day}
        return self._get("/bank/activity.csv", query).content

    def mails(self) -> list[bytes]:
        """Return its mails byte by byte, oldest first."""
        mails = self._get("/_sandbox/bank/mails").json()
        return [base64.b64decode(mail["base64"]) for mail in mails]

    def receive(self, message: bytes, *, sign: bool = False) -> dict[str, Any]:
        """Put any message into the mailbox, as it is or signed with the bank's key."""
        return self._post("bank/mails", base64=base64.b64encode(message).decode(), sign=sign)

    def _transfer(self, **wanted: Any) -> dict[str, Any]:
        return self._post("bank/transfers", **wanted)

    def _get(self, path: str, query: dict[str, str] | None = None) -> httpx.Response:
        answer = self.http.get(f"{self.url}{path}", params=query)
        answer.raise_for_status()
        return answer

    def _post(self, path: str, **values: Any) -> dict[str, Any]:
        answer = self.http.post(f"{self.url}/_sandbox/{path}", json=values)
        answer.raise_for_status()
        made: dict[str, Any] = answer.json()
        return made

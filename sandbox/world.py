"""Everything the sandbox knows: each account's objects, one clock, one set of switches."""

from __future__ import annotations

import random
import string
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sandbox.store import Json, Objects, Store, connect
from sandbox.switches import Switches

__all__ = ["DEFAULT_ACCOUNT", "PRIVATE", "Json", "Objects", "Request", "Store", "World"]

PRIVATE = "_sandbox"
"""The one key of an object that holds what the sandbox must remember and never shows."""

DEFAULT_ACCOUNT = "sandbox"
"""The account of the key `sk_test_sandbox`."""

_ALPHABET = string.ascii_letters + string.digits
_NAME = "account_name"


@dataclass(frozen=True)
class Request:
    """The API request that causes something; Stripe names it in events."""

    id: str
    idempotency_key: str | None


class Previews(OrderedDict[str, Json]):
    """Recently previewed invoices, whose lines may still be requested."""

    KEPT = 100

    def __setitem__(self, preview_id: str, preview: Json) -> None:
        super().__setitem__(preview_id, preview)
        while len(self) > self.KEPT:
            self.popitem(last=False)


class World:
    """The state with its one lock, clock, and switches. Hold `lock` to read or change anything.

    Accounts share the clock, the switches, the mailbox, the phone, and the bank (`common`), and
    nothing else: `objects` are those of this thread's current account (`at`).
    """

    def __init__(self, directory: Path | None) -> None:
        self.lock = threading.RLock()
        self.directory = directory
        """The folder that keeps the world; None if it lives in memory only."""
        self.common = self._open("sandbox")
        """What belongs to no account, beside the objects of the default one."""
        self._accounts = {DEFAULT_ACCOUNT: self.common, **self._kept_accounts()}
        self._here = threading.local()
        self.switches = Switches()
        self.base_url = "http://127.0.0.1:8010"
        """Where the hosted pages live, without a slash at the end."""
        self.bank_recipient = "owner@harbor.example"
        """Who the bank writes to: the address of the business at its bank."""
        self.request: Request | None = None
        self.previews: Previews = Previews()
        self.bookmarks: dict[str, dict[str, str]] = {}
        """Earlier states, account by account, by the names that tests gave them."""
        self.listeners: list[Callable[[Json], None]] = []
        """Called under the lock with every new event."""
        self._frozen_at: int | None = None
        self.mark_when_empty = ""
        """The mark after the last reset."""
        self._saved_switches = self.switches.as_dict()
        self._restore_switches()

    @classmethod
    def load(cls, directory: str | Path | None) -> World:
        """Load the world from a folder; without one, it lives in memory only."""
        return cls(Path(directory) if directory else None)

    @property
    def account(self) -> str:
        """The name of this thread's current account."""
        return getattr(self._here, "account", DEFAULT_ACCOUNT)

    @property
    def objects(self) -> Store:
        """The objects of this thread's current account."""
        return self._store(self.account)

    @contextmanager
    def at(self, account: str) -> Iterator[None]:
        """Use an account inside; one that nobody has used before is empty."""
        before = self.account
        self._here.account = account
        try:
            yield
        finally:
            self._here.account = before

    def accounts(self) -> list[str]:
        """The names of all accounts, the default one first."""
        return [*self._accounts]

    def home_of(self, object_id: str) -> str | None:
        """The account that has an object of this id; the default one if several do."""
        with self.lock:
            homes = (name for name, kept in self._accounts.items() if kept.get(object_id))
            return next(homes, None)

    def now(self) -> int:
        """The sandbox's time in Unix seconds."""
        return self._frozen_at if self._frozen_at is not None else int(time.time() + self.offset)

    @property
    def offset(self) -> float:
        """How many seconds the sandbox is ahead of the real time."""
        offset: float = self.common.meta("clock_offset") or 0.0
        return offset

    def freeze(self, at: int) -> None:
        """Stop the clock at a time: what happens now gets this time."""
        self._frozen_at = at

    def unfreeze(self, now: int) -> None:
        """Let the clock run on from `now`."""
        self._frozen_at = None
        self.common.set_meta("clock_offset", now - time.time())

    def new_id(self, prefix: str, length: int = 24) -> str:
        """An ID such as `cus_…`, or `pi_3…` for a prefix that already has its underscore."""
        joint = "" if "_" in prefix else "_"
        return f"{prefix}{joint}{''.join(random.choices(_ALPHABET, k=length))}"

    def save(self) -> None:
        """Write what changed since the last time."""
        switches = self.switches.as_dict()
        if switches != self._saved_switches:
            self.common.set_meta("switches", switches)
            self._saved_switches = switches
        for kept in self._accounts.values():
            kept.flush()

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """Undo what was done inside if it raises an error. Hold the lock.

        An error that is itself an outcome, such as a declined card, undoes nothing.
        """
        self.save()
        try:
            yield
        except Exception as error:
            if not getattr(error, "is_outcome", False):
                self.objects.roll_back()
                self.common.roll_back()
            raise

    def close(self) -> None:
        """Save, and close the files."""
        self.save()
        for kept in self._accounts.values():
            kept.close()

    def reset(self) -> None:
        """Forget everything, other accounts too."""
        self._forget_accounts()
        self.common.clear()
        self.switches = Switches()
        self._saved_switches = self.switches.as_dict()
        self._frozen_at = None

    def mark(self) -> str:
        """What differs as soon as anything is made, changed, or removed, or a switch is turned."""
        changes = sum(kept.changes for kept in self._accounts.values())
        return f"{changes} {self.switches.as_dict()}"

    def bookmark(self, name: str) -> None:
        """Remember the current state under a name, until the process ends."""
        self.bookmarks[name] = {account: kept.dump() for account, kept in self._accounts.items()}

    def go_back(self, name: str) -> None:
        """Return to a bookmark's state, clock included. Raises ValueError if there is none."""
        if name not in self.bookmarks:
            raise ValueError(f"There is no bookmark {name}.")
        self._forget_accounts()
        for account, dumped in self.bookmarks[name].items():
            self._store(account).restore(dumped)
        self.save()

    def _store(self, account: str) -> Store:
        with self.lock:
            if account not in self._accounts:
                self._accounts[account] = self._open(_file_of(account))
                self._accounts[account].set_meta(_NAME, account)
            return self._accounts[account]

    def _open(self, name: str) -> Store:
        return Store(connect(self.directory / f"{name}.sqlite3") if self.directory else None)

    def _kept_accounts(self) -> dict[str, Store]:
        files = sorted(self.directory.glob("account-*.sqlite3")) if self.directory else []
        kept = [self._open(path.stem) for path in files]
        return {str(one.meta(_NAME)): one for one in kept if one.meta(_NAME)}

    def _forget_accounts(self) -> None:
        for name in self.accounts():
            if name != DEFAULT_ACCOUNT:
                kept = self._accounts.pop(name)
                kept.clear()
                kept.close()

    def _restore_switches(self) -> None:
        saved = self.common.meta("switches")
        if saved:
            self.switches.change(saved)
            self._saved_switches = self.switches.as_dict()


def _file_of(account: str) -> str:
    """An account's file name: keys are case-sensitive, but file names may not be."""
    return f"account-{sha256(account.encode()).hexdigest()[:24]}"

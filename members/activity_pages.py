"""What a member's list of activity says, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import places
from members.activity_facts import Found
from members.display import device
from members.models import AccountActivity, ActivityBy, ActivityKind, SignIn

Words = Mapping[str, "str | Promise"]
TITLES: Words = {
    ActivityKind.EMAIL: gettext_lazy("Your email address changed"),
    ActivityKind.PHONE: gettext_lazy("Your phone number changed"),
    ActivityKind.PHONE_REMOVED: gettext_lazy("Your phone number was removed"),
    ActivityKind.TEXTS_ON: gettext_lazy("Text messages were turned on"),
    ActivityKind.TEXTS_OFF: gettext_lazy("Text messages were turned off"),
    ActivityKind.NOTIFICATIONS: gettext_lazy("Your notifications changed"),
    ActivityKind.PASSWORD: gettext_lazy("Your password changed"),
    ActivityKind.APP_ADDED: gettext_lazy("An authenticator app was added"),
    ActivityKind.APP_REMOVED: gettext_lazy("The authenticator app was removed"),
    ActivityKind.PASSKEY_ADDED: gettext_lazy("A passkey was added"),
    ActivityKind.PASSKEY_REMOVED: gettext_lazy("A passkey was removed"),
    ActivityKind.CONNECTED: gettext_lazy("An account was connected for sign-in"),
    ActivityKind.DISCONNECTED: gettext_lazy("A connected account was removed"),
    ActivityKind.CODES_MADE: gettext_lazy("New recovery codes were made"),
    ActivityKind.CODE_USED: gettext_lazy("A recovery code was used"),
    ActivityKind.STEPS_REMOVED: gettext_lazy("Two-step sign-in was turned off"),
    ActivityKind.SIGNED_OUT: gettext_lazy("You were signed out everywhere"),
    ActivityKind.CARD: gettext_lazy("The card we charge changed"),
    ActivityKind.CARD_ADDED: gettext_lazy("A card was added"),
    ActivityKind.CARD_REMOVED: gettext_lazy("A card was removed"),
    ActivityKind.JOINED: gettext_lazy("Your membership started"),
    ActivityKind.ENDING: gettext_lazy("Your membership was set to end"),
    ActivityKind.KEPT: gettext_lazy("Your membership continues"),
    ActivityKind.SWITCHED: gettext_lazy("Your price changed"),
    ActivityKind.PAUSED: gettext_lazy("Your payments were paused"),
    ActivityKind.RESUMED: gettext_lazy("Your payments resumed"),
    ActivityKind.ENDED: gettext_lazy("Your membership ended"),
}
BY: Words = {
    ActivityBy.MEMBER: gettext_lazy("By you"),
    ActivityBy.STAFF: gettext_lazy("By our team"),
    ActivityBy.STRIPE: gettext_lazy("Through Stripe or your bank"),
    "": "",
}
ABOUT_MONEY = {
    *(
        ActivityKind.CARD,
        ActivityKind.CARD_ADDED,
        ActivityKind.CARD_REMOVED,
        ActivityKind.JOINED,
        ActivityKind.ENDING,
        ActivityKind.KEPT,
    ),
    *(ActivityKind.SWITCHED, ActivityKind.PAUSED, ActivityKind.RESUMED, ActivityKind.ENDED),
}
# As `members.sign_ins` records them.
METHODS: Words = {
    "password": gettext_lazy("your password"),
    "code by email": gettext_lazy("an emailed code or link"),
    "new password by emailed code": gettext_lazy("a new password"),
    "second step": gettext_lazy("a second step"),
    "passkey": gettext_lazy("a passkey"),
}
SIGN_UP = "sign-up"


@dataclass(frozen=True)
class Entry:
    """One line: what happened, and then how, by whom, with what, and where."""

    at: datetime
    title: str
    icon: str
    notes: tuple[str, ...]

    @property
    def is_recent(self) -> bool:
        """Whether how long ago says more than the day."""
        return timezone.now() - self.at < timedelta(days=7)


def entries(found: Found) -> list[Entry]:
    """Return a page's entries in the order they were read."""
    return [_sign_in(row) if isinstance(row, SignIn) else _change(row) for row in found.rows]


def _sign_in(row: SignIn) -> Entry:
    ways = [str(METHODS.get(name, name)) for name in row.method.split(", ") if name]
    title = _("Signed in with {how}").format(how=", ".join(ways)) if ways else _("Signed in")
    if row.method == SIGN_UP:
        title = _("You signed up")
    return Entry(row.happened_at, title, "account", _notes(*_where(row)))


def _change(row: AccountActivity) -> Entry:
    icon = "payments" if row.kind in ABOUT_MONEY else "key"
    notes = _notes(row.detail, str(BY.get(row.by, "")), *_where(row))
    return Entry(row.happened_at, str(TITLES.get(row.kind, row.kind)), icon, notes)


def _where(row: SignIn | AccountActivity) -> tuple[str, ...]:
    ip = row.ip or ""
    return device(row.user_agent), places.of(ip) if ip else "", ip


def _notes(*words: str) -> tuple[str, ...]:
    return tuple(word for word in words if word)

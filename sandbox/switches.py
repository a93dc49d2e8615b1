"""Every fault the sandbox can play, switched by the control panel and the control API."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

PAYLOAD_VERSIONS = (
    *("current", "2025-09-30.clover", "2025-03-31.basil", "2024-06-20", "2020-08-27"),
)
SHARES = (
    *("api_answer_lost", "api_fail", "api_lock_timeout", "api_rate_limited"),
    *("mail_answer_lost", "mail_busy", "twilio_answer_lost", "twilio_fail"),
)
FORGERIES = ("none", "unsigned", "other_key", "look_alike")
"""A mail that says it's the bank's: without a signature, with one of another key, or from a domain
that looks like the bank's."""
REGISTRATIONS = ("verified", "in_review", "refused", "suspended", "no_campaign", "no_service")
"""What US carriers know of the account's numbers: its campaign, or its toll-free verification."""
REPLIES = ("number", "service", "elsewhere")
"""Where replies to the number in the Messaging Service go: as the number says, to the portal as the
service says, or as it says to somewhere else."""
CHOICES = {
    "payload_version": PAYLOAD_VERSIONS,
    "bank_forged": FORGERIES,
    "twilio_registration": REGISTRATIONS,
    "twilio_replies": REPLIES,
}


@dataclass
class Switches:
    """Injected faults. Delays are seconds of real time; shares are between 0 and 1."""

    duplicate: bool = False
    """Every webhook is sent twice."""
    reorder: bool = False
    """Webhooks leave in random order, up to two seconds late."""
    lose: bool = False
    """No webhook leaves; they can be resent later."""
    bank_debit: bool = False
    """Checkout offers a bank account, which pays or fails days later."""
    invoice_automations: bool = False
    """Invoices tell when they will be due and are overdue: an automation in the dashboard."""
    portal_not_set_up: bool = False
    """Nobody has saved the customer portal's settings: it has no default configuration."""
    retry_set_later: bool = False
    """After a failed renewal it takes a minute until the invoice names its next attempt."""
    tax_inactive: bool = False
    """Stripe Tax was never activated on the account."""
    late_balance: bool = False
    """A payment has no balance transaction at first; a minute later `charge.updated` tells it."""
    automatic_payouts: bool = False
    """Every midnight, what became available is paid out to the business's bank account."""
    refunds_ask: bool = False
    """Refunds can't go back to where they came from: the member is asked for a bank account."""
    webhook_delay: float = 0.0
    webhooks_paused: bool = False
    """Webhooks wait until this is off again."""
    api_latency: float = 0.0
    api_fail: float = 0.0
    """The share of Stripe API requests answered 500 before anything happens."""
    api_rate_limited: float = 0.0
    """The share answered 429 before anything happens."""
    api_lock_timeout: float = 0.0
    """The share answered 429 before anything happens, as if another request held the object."""
    api_answer_lost: float = 0.0
    """The share that is carried out, and then the connection closes without an answer."""
    mail_suspended: bool = False
    """Mail is refused as of a suspended account: 554 5.7.1, whoever it is for."""
    mail_busy: float = 0.0
    """The share of mails refused for now, 451, before they are kept."""
    mail_ascii_only: bool = False
    """The mail server does not offer SMTPUTF8: no letters beyond ASCII before the @."""
    mail_answer_lost: float = 0.0
    """The share of mails that are kept, and then the connection closes before the 250."""
    twilio_answer_lost: float = 0.0
    """The share that Twilio carries out, and then the connection closes without an answer."""
    twilio_fail: float = 0.0
    twilio_advanced_opt_out: bool = False
    """Advanced Opt-Out is on: more keywords, the owner's own answers, and webhooks name them."""
    twilio_registration: str = "verified"
    twilio_replies: str = "number"
    """How US carriers see the account's texts: one of `REGISTRATIONS`."""
    bank_no_mail: bool = False
    """The bank tells of no transfer."""
    bank_no_memo: bool = False
    """Payers leave the memo empty, whatever they were asked for."""
    bank_wrong_memo: bool = False
    """Payers write something else into the memo."""
    bank_wrong_amount: bool = False
    """The bank's mail says more than came to the account."""
    bank_doubled_mail: bool = False
    """Every mail of the bank arrives twice."""
    bank_late_file: bool = False
    """New transfers aren't in the account's activity until this is off."""
    bank_forged: str = "none"
    """What comes isn't the bank's mail but a forged one, and no money: one of `FORGERIES`."""
    payload_version: str = "current"
    """The account's API version: that of events, and of requests, that name no other."""

    def change(self, wanted: dict[str, Any]) -> None:
        """Set the named switches. Raises ValueError for an unknown name or a wrong value."""
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        changed: dict[str, bool | float | str] = {}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"There is no switch named {name}.")
            changed[name] = _READ[known[name]](name, value)
        for name, accepted in changed.items():
            setattr(self, name, accepted)

    def as_dict(self) -> dict[str, bool | float | str]:
        return asdict(self)


def _as_bool(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"{name} is either true or false.")


def _as_number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} is a number, zero or more.")
    if name in SHARES and value > 1:
        raise ValueError(f"{name} is a share between 0 and 1.")
    return float(value)


def _as_choice(name: str, value: object) -> str:
    if isinstance(value, str) and value in CHOICES[name]:
        return value
    raise ValueError(f"{name} is one of {', '.join(CHOICES[name])}.")


_READ: dict[type, Callable[[str, object], bool | float | str]] = {
    bool: _as_bool,
    float: _as_number,
    str: _as_choice,
}

"""Every kind of message there is: its subject, its templates, and why somebody gets it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of messages. A kind's value names its templates."""

    WELCOME = "welcome"
    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_FAILED = "payment_failed"
    ADDRESS_CODE = "address_code"
    LOGIN_CODE = "login_code"
    PASSWORD_CODE = "password_code"  # noqa: S105  (the name of a template)
    PHONE_CODE = "phone_code"
    ACCOUNT_EXISTS = "account_exists"
    UNKNOWN_ACCOUNT = "unknown_account"
    ACCOUNT_CHANGED = "account_changed"


BILLING = "You get this because you have an account with us: it is about your membership."
ACCOUNT = "You get this because somebody used this address to sign in or sign up with us."


@dataclass(frozen=True)
class Spec:
    """One kind. `subject` is a Django template; a channel without templates is not used.

    A sensitive message holds a code or a secret: its context goes once it is sent, and it is never
    sent a second time.
    """

    subject: str = ""
    email: bool = True
    sms: bool = False
    sensitive: bool = False
    why: str = BILLING


CATALOGUE: dict[Kind, Spec] = {
    Kind.WELCOME: Spec("Welcome: your {{ plan_name }} has begun", sms=True),
    Kind.PAYMENT_RECEIVED: Spec("Receipt: {{ amount }} for {{ description }}", sms=True),
    Kind.PAYMENT_FAILED: Spec("Payment failed: {{ amount }} for {{ description }}", sms=True),
    Kind.ADDRESS_CODE: Spec("{{ code }} is your code", sensitive=True, why=ACCOUNT),
    Kind.LOGIN_CODE: Spec("{{ code }} is your sign-in code", sensitive=True, why=ACCOUNT),
    Kind.PASSWORD_CODE: Spec("{{ code }} is your password code", sensitive=True, why=ACCOUNT),
    Kind.PHONE_CODE: Spec(email=False, sms=True, sensitive=True),
    Kind.ACCOUNT_EXISTS: Spec("You have an account already", sensitive=True, why=ACCOUNT),
    Kind.UNKNOWN_ACCOUNT: Spec(
        "There is no account with this address", sensitive=True, why=ACCOUNT
    ),
    Kind.ACCOUNT_CHANGED: Spec("{{ headline }}", why=ACCOUNT),
}


def spec_of(kind: str) -> Spec:
    """Return the kind's entry."""
    return CATALOGUE[Kind(kind)]

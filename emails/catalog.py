"""The catalog of messages: each kind's channels, topic, and why someone gets it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from emails.topics import Topic, Words


class Kind(StrEnum):
    """The kinds of messages. A kind's value names its templates."""

    WELCOME = "welcome"
    JOINED = "joined"
    PAYMENT_RECEIVED = "payment_received"
    RECEIPT_AGAIN = "receipt_again"
    PAYMENT_FAILED = "payment_failed"
    INVITATION = "invitation"
    PAYMENT_CONFIRMATION = "payment_confirmation"
    TRIAL_ENDING = "trial_ending"
    FREE_TIME = "free_time"
    RENEWAL_COMING = "renewal_coming"
    CARD_EXPIRING = "card_expiring"
    CARD_CHANGED = "card_changed"
    CARD_LINK = "card_link"
    MEMBERSHIP_ENDS = "membership_ends"
    MEMBERSHIP_GOES_ON = "membership_goes_on"
    MEMBERSHIP_ENDED = "membership_ended"
    MEMBERSHIP_PAUSED = "membership_paused"
    MEMBERSHIP_RESUMED = "membership_resumed"
    INVOICE_SENT = "invoice_sent"
    INVOICE_DUE = "invoice_due"
    INVOICE_OVERDUE = "invoice_overdue"
    PRICE_SWITCHED = "price_switched"
    PRICE_PLANNED = "price_planned"
    PLAN_DROPPED = "plan_dropped"
    OFFER_ACCEPTED = "offer_accepted"
    PAYMENT_REQUESTED = "payment_requested"
    PAYMENT_EXPIRING = "payment_expiring"
    DEBIT_COMING = "debit_coming"
    DISCOUNT_ENDING = "discount_ending"
    CREDIT_NOTE = "credit_note"
    ZELLE_STARTED = "zelle_started"
    ZELLE_REMINDER = "zelle_reminder"
    ZELLE_RECEIVED = "zelle_received"
    ZELLE_JOINED = "zelle_joined"
    ZELLE_PART_RECEIVED = "zelle_part_received"
    ZELLE_EXPIRED = "zelle_expired"
    ZELLE_UNDONE = "zelle_undone"
    PAYMENT_NOT_MADE = "payment_not_made"
    REFUND_RECEIVED = "refund_received"
    REFUND_APPROVED = "refund_approved"
    REFUND_DENIED = "refund_denied"
    REFUND_SENT = "refund_sent"
    REFUND_ARRIVED = "refund_arrived"
    REFUND_FAILED = "refund_failed"
    REFUND_WITHDRAWN = "refund_withdrawn"
    REFUND_TO_DECIDE = "refund_to_decide"
    REFUND_TAKEN_BACK = "refund_taken_back"
    REFUND_WAITS = "refund_waits"
    REFUND_IN_TROUBLE = "refund_in_trouble"
    MONEY_MISSING = "money_missing"
    PROBLEM_FOUND = "problem_found"
    NUMBERS = "numbers"
    YESTERDAY = "yesterday"
    RENEWAL_FAILED = "renewal_failed"
    FRAUD_REPORTED = "fraud_reported"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_CLOSED = "dispute_closed"
    ADDRESS_CODE = "address_code"
    ADDRESS_LINK = "address_link"
    PASSWORD_LINK = "password_link"  # noqa: S105
    STAFF_INVITED = "staff_invited"
    LOGIN_CODE = "login_code"
    SIGN_IN_LINK = "sign_in_link"
    PASSWORD_CODE = "password_code"  # noqa: S105  (the name of a template)
    PHONE_CODE = "phone_code"
    TEXTS_ON = "texts_on"
    ACCOUNT_EXISTS = "account_exists"
    UNKNOWN_ACCOUNT = "unknown_account"
    ACCOUNT_CHANGED = "account_changed"
    ACCOUNT_CLOSED = "account_closed"
    DATA_READY = "data_ready"
    HELP_ASKED = "help_asked"
    CLOSING_PLANNED = "closing_planned"
    CLOSING_UNDONE = "closing_undone"
    CLOSING_HELD = "closing_held"


class Category(StrEnum):
    """What a message is about. Members who declined texts still get those they ask for."""

    BILLING = "billing"
    ACCOUNT = "account"
    STAFF = "staff"


# Why someone gets what's about a topic, unless the kind says more.
WHYS: dict[Topic, Words] = {
    Topic.MEMBERSHIP: _("You’re receiving this because it’s about your membership with us."),
    Topic.RENEWALS: _("We send this before we charge you, so no charge comes as a surprise."),
    Topic.CARD_EXPIRING: _("You’re receiving this because we charge this card."),
    Topic.RECEIPTS: _("You’re receiving this because you paid us."),
    Topic.BILLS: _("You’re receiving this because it’s about a payment to us."),
    Topic.DUE_REMINDERS: _("You’re receiving this because a payment to us is due soon."),
    Topic.PAYMENT_PROBLEMS: _("You’re receiving this because a payment to us needs you."),
    Topic.REFUND_PROGRESS: _("You’re receiving this because it’s about your refund."),
    Topic.REFUND_RESULTS: _("You’re receiving this because it’s about your refund."),
}
ACCOUNT_WHY = _(
    "You’re receiving this because someone used this address to sign in or sign up with us."
)
STAFF_WHY = _(
    "You receive staff notifications. The portal’s setting STAFF_EMAIL says who gets them."
)
DAY_WHY = _(
    "You turned on this daily email on the staff site’s home page, where you can turn it off."
)
FAILURE_WHY = _(
    "You turned on this email on the staff site’s home page, where you can turn it off."
)
NUMBERS_WHY = _(
    "You turned on this weekly email on the staff site’s home page, where you can turn it off."
)
INVITED_WHY = _("You’re receiving this as a member. We’ll only send it once.")
CHANGE_WHY = _("You’re receiving this because you have an account with us.")
CLOSED_WHY = _(
    "You’re receiving this because you had an account with us. We won’t write to you again."
)


@dataclass(frozen=True, slots=True)
class Spec:
    """One kind. Its subject and words are in its templates; a channel without any is not used.

    A sensitive message holds a code or is about signing in: its context is emptied once it's sent,
    its subject isn't kept, and it's never resent. `topic` is what members choose by; what goes to
    staff or to people without an account has none.
    """

    category: Category = Category.BILLING
    email: bool = True
    sms: bool = False
    sensitive: bool = False
    why: Words = ""
    topic: Topic | None = None

    @property
    def reason(self) -> Words:
        """Why someone gets it: the kind's own reason, or its topic's."""
        return self.why or (WHYS.get(self.topic, CHANGE_WHY) if self.topic else CHANGE_WHY)


def _billing(topic: Topic) -> Spec:
    return Spec(sms=True, topic=topic)


def _account(why: Words = ACCOUNT_WHY, topic: Topic = Topic.ON_REQUEST) -> Spec:
    return Spec(Category.ACCOUNT, sensitive=True, why=why, topic=topic)


def _staff() -> Spec:
    return Spec(Category.STAFF, why=STAFF_WHY)


CATALOG: dict[Kind, Spec] = {
    Kind.WELCOME: _billing(Topic.MEMBERSHIP),
    Kind.JOINED: _billing(Topic.MEMBERSHIP),
    Kind.PAYMENT_RECEIVED: _billing(Topic.RECEIPTS),
    Kind.RECEIPT_AGAIN: Spec(
        why=_("You’re receiving this because you asked for this receipt."), topic=Topic.ON_REQUEST
    ),
    Kind.PAYMENT_FAILED: _billing(Topic.PAYMENT_PROBLEMS),
    Kind.INVITATION: Spec(why=INVITED_WHY),
    Kind.PAYMENT_CONFIRMATION: _billing(Topic.PAYMENT_PROBLEMS),
    Kind.TRIAL_ENDING: _billing(Topic.RENEWALS),
    Kind.FREE_TIME: Spec(topic=Topic.MEMBERSHIP),
    Kind.RENEWAL_COMING: _billing(Topic.RENEWALS),
    Kind.CARD_EXPIRING: _billing(Topic.CARD_EXPIRING),
    Kind.CARD_CHANGED: Spec(topic=Topic.SECURITY),
    Kind.CARD_LINK: Spec(
        why=_("You’re receiving this because our team sent it to you."), topic=Topic.ON_REQUEST
    ),
    Kind.MEMBERSHIP_ENDS: _billing(Topic.MEMBERSHIP),
    Kind.MEMBERSHIP_GOES_ON: _billing(Topic.MEMBERSHIP),
    Kind.MEMBERSHIP_ENDED: _billing(Topic.MEMBERSHIP),
    Kind.MEMBERSHIP_PAUSED: _billing(Topic.MEMBERSHIP),
    Kind.MEMBERSHIP_RESUMED: _billing(Topic.MEMBERSHIP),
    Kind.INVOICE_SENT: _billing(Topic.BILLS),
    Kind.INVOICE_DUE: _billing(Topic.DUE_REMINDERS),
    Kind.INVOICE_OVERDUE: _billing(Topic.BILLS),
    Kind.PRICE_SWITCHED: _billing(Topic.MEMBERSHIP),
    Kind.PRICE_PLANNED: _billing(Topic.MEMBERSHIP),
    Kind.PLAN_DROPPED: _billing(Topic.MEMBERSHIP),
    Kind.OFFER_ACCEPTED: _billing(Topic.MEMBERSHIP),
    Kind.PAYMENT_REQUESTED: _billing(Topic.BILLS),
    Kind.PAYMENT_EXPIRING: _billing(Topic.DUE_REMINDERS),
    Kind.DEBIT_COMING: Spec(topic=Topic.RECEIPTS),
    Kind.DISCOUNT_ENDING: _billing(Topic.RENEWALS),
    Kind.PAYMENT_NOT_MADE: _billing(Topic.PAYMENT_PROBLEMS),
    Kind.CREDIT_NOTE: Spec(
        why=_("You’re receiving this because one of your invoices changed."),
        topic=Topic.REFUND_RESULTS,
    ),
    Kind.ZELLE_STARTED: Spec(topic=Topic.BILLS),
    Kind.ZELLE_REMINDER: _billing(Topic.DUE_REMINDERS),
    Kind.ZELLE_RECEIVED: _billing(Topic.RECEIPTS),
    Kind.ZELLE_JOINED: _billing(Topic.MEMBERSHIP),
    Kind.ZELLE_PART_RECEIVED: _billing(Topic.BILLS),
    Kind.ZELLE_EXPIRED: _billing(Topic.BILLS),
    Kind.ZELLE_UNDONE: _billing(Topic.BILLS),
    Kind.REFUND_RECEIVED: _billing(Topic.REFUND_PROGRESS),
    Kind.REFUND_APPROVED: _billing(Topic.REFUND_PROGRESS),
    Kind.REFUND_DENIED: _billing(Topic.REFUND_RESULTS),
    Kind.REFUND_SENT: _billing(Topic.REFUND_RESULTS),
    Kind.REFUND_ARRIVED: _billing(Topic.REFUND_RESULTS),
    Kind.REFUND_FAILED: _billing(Topic.REFUND_RESULTS),
    Kind.REFUND_WITHDRAWN: Spec(topic=Topic.REFUND_PROGRESS),
    Kind.REFUND_TAKEN_BACK: _staff(),
    Kind.REFUND_TO_DECIDE: _staff(),
    Kind.REFUND_WAITS: _staff(),
    Kind.REFUND_IN_TROUBLE: _staff(),
    Kind.MONEY_MISSING: _staff(),
    Kind.PROBLEM_FOUND: _staff(),
    Kind.NUMBERS: Spec(Category.STAFF, why=NUMBERS_WHY),
    Kind.YESTERDAY: Spec(Category.STAFF, why=DAY_WHY),
    Kind.RENEWAL_FAILED: Spec(Category.STAFF, why=FAILURE_WHY),
    Kind.FRAUD_REPORTED: _staff(),
    Kind.DISPUTE_OPENED: _staff(),
    Kind.DISPUTE_CLOSED: _staff(),
    Kind.HELP_ASKED: _staff(),
    Kind.ADDRESS_CODE: _account(),
    Kind.ADDRESS_LINK: _account(CHANGE_WHY),
    Kind.PASSWORD_LINK: _account(CHANGE_WHY),
    Kind.STAFF_INVITED: _account(
        _("You’re receiving this because someone on the team entered this address.")
    ),
    Kind.LOGIN_CODE: _account(),
    Kind.SIGN_IN_LINK: _account(CHANGE_WHY),
    Kind.PASSWORD_CODE: _account(),
    Kind.PHONE_CODE: Spec(
        category=Category.ACCOUNT, email=False, sms=True, sensitive=True, topic=Topic.ON_REQUEST
    ),
    Kind.TEXTS_ON: Spec(category=Category.ACCOUNT, email=False, sms=True, topic=Topic.SECURITY),
    Kind.ACCOUNT_EXISTS: _account(topic=Topic.SECURITY),
    Kind.UNKNOWN_ACCOUNT: _account(),
    Kind.ACCOUNT_CHANGED: _account(CHANGE_WHY, Topic.SECURITY),
    Kind.ACCOUNT_CLOSED: _account(CLOSED_WHY, Topic.SECURITY),
    Kind.CLOSING_PLANNED: Spec(Category.ACCOUNT, why=CHANGE_WHY, topic=Topic.SECURITY),
    Kind.CLOSING_UNDONE: Spec(Category.ACCOUNT, why=CHANGE_WHY, topic=Topic.SECURITY),
    Kind.CLOSING_HELD: Spec(Category.ACCOUNT, why=CHANGE_WHY, topic=Topic.SECURITY),
    Kind.DATA_READY: Spec(Category.ACCOUNT, why=CHANGE_WHY, topic=Topic.ON_REQUEST),
}


def spec_of(kind: str) -> Spec:
    """Return the kind's entry."""
    return CATALOG[Kind(kind)]


def has_texts(topic: Topic) -> bool:
    """Whether something about a topic is also sent by text, on its own account."""
    return any(
        spec.topic == topic and spec.sms and spec.category == Category.BILLING
        for spec in CATALOG.values()
    )

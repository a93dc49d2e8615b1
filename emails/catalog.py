"""The catalog of messages: each kind's subject, templates, and why someone gets it."""

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
    OFFER_ACCEPTED = "offer_accepted"
    PAYMENT_REQUESTED = "payment_requested"
    PAYMENT_EXPIRING = "payment_expiring"
    DEBIT_COMING = "debit_coming"
    DISCOUNT_ENDING = "discount_ending"
    CREDIT_NOTE = "credit_note"
    ZELLE_STARTED = "zelle_started"
    ZELLE_REMINDER = "zelle_reminder"
    ZELLE_RECEIVED = "zelle_received"
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
STAFF_WHY = "You receive staff notifications. The portal’s setting STAFF_EMAIL says who gets them."
DAY_WHY = "You turned on this daily email on the staff site’s home page, where you can turn it off."
NUMBERS_WHY = (
    "You turned on this weekly email on the staff site’s home page, where you can turn it off."
)
INVITED_WHY = _("You’re receiving this as a member. We’ll only send it once.")
CHANGE_WHY = _("You’re receiving this because you have an account with us.")
CLOSED_WHY = _(
    "You’re receiving this because you had an account with us. We won’t write to you again."
)


@dataclass(frozen=True, slots=True)
class Spec:
    """One kind. `subject` is a Django template; a channel without templates is not used.

    A sensitive message holds a code or is about signing in: its context is emptied once it's sent,
    its subject isn't kept, and it's never resent. `topic` is what members choose by; what goes to
    staff or to people without an account has none.
    """

    subject: str = ""
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


def _billing(topic: Topic, subject: str) -> Spec:
    return Spec(subject, sms=True, topic=topic)


def _account(subject: str, why: Words = ACCOUNT_WHY, topic: Topic = Topic.ON_REQUEST) -> Spec:
    return Spec(subject, Category.ACCOUNT, sensitive=True, why=why, topic=topic)


def _staff(subject: str) -> Spec:
    return Spec(subject, Category.STAFF, why=STAFF_WHY)


CATALOG: dict[Kind, Spec] = {
    Kind.WELCOME: _billing(
        Topic.MEMBERSHIP, "Welcome to {{ brand.name }}: your {{ plan_name }} is active"
    ),
    Kind.JOINED: _billing(
        Topic.MEMBERSHIP, "Welcome to {{ brand.name }}! Receipt: {{ amount }} for {{ description }}"
    ),
    Kind.PAYMENT_RECEIVED: _billing(
        Topic.RECEIPTS,
        "{% if recovered %}Payment received: {% else %}Receipt: {% endif %}"
        "{{ amount }} for {{ description }}",
    ),
    Kind.RECEIPT_AGAIN: Spec(
        "Receipt: {{ amount }} for {{ description }}",
        why=_("You’re receiving this because you asked for this receipt."),
        topic=Topic.ON_REQUEST,
    ),
    Kind.PAYMENT_FAILED: _billing(
        Topic.PAYMENT_PROBLEMS, "Payment failed: {{ amount }} for {{ description }}"
    ),
    Kind.INVITATION: Spec("Set up your account to see your membership", why=INVITED_WHY),
    Kind.PAYMENT_CONFIRMATION: _billing(
        Topic.PAYMENT_PROBLEMS, "Please confirm your payment: {{ amount }} for {{ description }}"
    ),
    Kind.TRIAL_ENDING: _billing(
        Topic.RENEWALS,
        "{% load message_dates %}Your {% if is_free_time %}free time{% else %}trial{% endif %} ends"
        " on {{ ends_on|day }}",
    ),
    Kind.FREE_TIME: Spec(
        "{% load message_dates %}Your membership is free until {{ until|day }}",
        topic=Topic.MEMBERSHIP,
    ),
    Kind.RENEWAL_COMING: _billing(
        Topic.RENEWALS,
        "{% load message_dates %}{% if other %}{{ other }}{% else %}Your membership{% endif %} "
        "renews on {{ renews_on|day }}: {{ price }}",
    ),
    Kind.CARD_EXPIRING: _billing(Topic.CARD_EXPIRING, "Your {{ method }} expires soon"),
    Kind.CARD_CHANGED: Spec(
        "Your membership is now paid with your {{ method }}", topic=Topic.SECURITY
    ),
    Kind.CARD_LINK: Spec(
        "Your card for {{ plan_name }}",
        why=_("You’re receiving this because our team sent it to you."),
        topic=Topic.ON_REQUEST,
    ),
    Kind.MEMBERSHIP_ENDS: _billing(
        Topic.MEMBERSHIP,
        "{% load message_dates %}{% if another %}One of your memberships{% else %}Your membership"
        "{% endif %} ends on {{ ends_on|day }}",
    ),
    Kind.MEMBERSHIP_GOES_ON: _billing(Topic.MEMBERSHIP, "Your membership continues"),
    Kind.MEMBERSHIP_ENDED: _billing(
        Topic.MEMBERSHIP,
        "{% if another %}One of your memberships{% else %}Your membership{% endif %} has ended",
    ),
    Kind.MEMBERSHIP_PAUSED: _billing(
        Topic.MEMBERSHIP,
        "{% load message_dates %}Your payments are paused"
        "{% if resumes_on %} until {{ resumes_on|day }}{% endif %}",
    ),
    Kind.MEMBERSHIP_RESUMED: _billing(Topic.MEMBERSHIP, "Your payments have resumed"),
    Kind.INVOICE_SENT: _billing(
        Topic.BILLS,
        "{% load message_dates %}Invoice: {{ amount }} for {{ description }}"
        "{% if due_on %}, due {{ due_on|day }}{% endif %}",
    ),
    Kind.INVOICE_DUE: _billing(
        Topic.DUE_REMINDERS, "{% load message_dates %}{{ amount }} is due on {{ due_on|day }}"
    ),
    Kind.INVOICE_OVERDUE: _billing(Topic.BILLS, "Overdue: {{ amount }} for {{ description }}"),
    Kind.PRICE_SWITCHED: _billing(Topic.MEMBERSHIP, "{{ headline }}"),
    Kind.OFFER_ACCEPTED: _billing(Topic.MEMBERSHIP, "Thank you for staying: {{ terms }}"),
    Kind.PAYMENT_REQUESTED: _billing(Topic.BILLS, "Please pay {{ amount }} for {{ description }}"),
    Kind.PAYMENT_EXPIRING: _billing(
        Topic.DUE_REMINDERS,
        "{% load message_dates %}Reminder: pay {{ amount }} by {{ expires_on|day }}",
    ),
    Kind.DEBIT_COMING: Spec(
        "Your bank payment of {{ amount }} is on its way", topic=Topic.RECEIPTS
    ),
    Kind.DISCOUNT_ENDING: _billing(
        Topic.RENEWALS,
        "{% load message_dates %}Your discount ends on {{ ends_on|day }}",
    ),
    Kind.PAYMENT_NOT_MADE: _billing(
        Topic.PAYMENT_PROBLEMS, "Payment failed: {{ amount }} for {{ description }}"
    ),
    Kind.CREDIT_NOTE: Spec(
        "Credit note: {{ amount }} for {{ description }}",
        why=_("You’re receiving this because one of your invoices changed."),
        topic=Topic.REFUND_RESULTS,
    ),
    Kind.ZELLE_STARTED: Spec(
        "How to pay {{ amount }} by Zelle: memo {{ reference }}", topic=Topic.BILLS
    ),
    Kind.ZELLE_REMINDER: _billing(
        Topic.DUE_REMINDERS,
        "{% load message_dates %}Reminder: send {{ amount }} by Zelle before {{ until|day }}",
    ),
    Kind.ZELLE_RECEIVED: _billing(Topic.RECEIPTS, "Receipt: {{ amount }} for {{ description }}"),
    Kind.ZELLE_PART_RECEIVED: _billing(
        Topic.BILLS, "{{ missing }} is still missing for {{ description }}"
    ),
    Kind.ZELLE_EXPIRED: _billing(
        Topic.BILLS, "We’ve stopped waiting for your Zelle payment of {{ amount }}"
    ),
    Kind.ZELLE_UNDONE: _billing(
        Topic.BILLS, "We need to correct your Zelle payment for {{ description }}"
    ),
    Kind.REFUND_RECEIVED: _billing(
        Topic.REFUND_PROGRESS, "We got your request: refund of {{ amount }}"
    ),
    Kind.REFUND_APPROVED: _billing(Topic.REFUND_PROGRESS, "Approved: your refund of {{ amount }}"),
    Kind.REFUND_DENIED: _billing(
        Topic.REFUND_RESULTS,
        "{% if is_closed %}Closed{% else %}Not approved{% endif %}: your refund of {{ amount }}",
    ),
    Kind.REFUND_SENT: _billing(
        Topic.REFUND_RESULTS,
        "{% if by_zelle %}We’ve sent your refund of {{ amount }} by Zelle"
        "{% elif answered %}Thank you: your refund of {{ amount }} is moving again"
        "{% else %}Your refund of {{ amount }} "
        "{% if needs_answer %}needs an answer from you{% else %}takes a little longer{% endif %}"
        "{% endif %}",
    ),
    Kind.REFUND_ARRIVED: _billing(
        Topic.REFUND_RESULTS, "Refunded: {{ amount }} for {{ description }}"
    ),
    Kind.REFUND_FAILED: _billing(
        Topic.REFUND_RESULTS,
        "{% if is_closed %}Closed: your refund of {{ amount }}"
        "{% elif again_url %}Your refund of {{ amount }} was canceled"
        "{% else %}Your refund of {{ amount }} did not arrive{% endif %}",
    ),
    Kind.REFUND_WITHDRAWN: Spec(
        "You withdrew your request: refund of {{ amount }}", topic=Topic.REFUND_PROGRESS
    ),
    Kind.REFUND_TAKEN_BACK: _staff("Refund request withdrawn: {{ amount }} from {{ member }}"),
    Kind.REFUND_TO_DECIDE: _staff("Refund request: {{ amount }} from {{ member }}"),
    Kind.REFUND_WAITS: _staff("Refund still waiting: {{ amount }} from {{ member }}"),
    Kind.REFUND_IN_TROUBLE: _staff("{{ headline }}: {{ amount }} from {{ member }}"),
    Kind.MONEY_MISSING: _staff("Not on the account: {{ amount }} from {{ payer }}"),
    Kind.PROBLEM_FOUND: _staff("Needs attention: {{ text }}"),
    Kind.NUMBERS: Spec("Your week in numbers: MRR {{ mrr }}", Category.STAFF, why=NUMBERS_WHY),
    Kind.YESTERDAY: Spec("{{ headline }}", Category.STAFF, why=DAY_WHY),
    Kind.DISPUTE_OPENED: _staff(
        "{% load message_dates %}{% if is_inquiry %}Bank inquiry{% else %}Dispute{% endif %}: "
        "{{ amount }} from {{ member }}{% if due_on %}, answer by {{ due_on|day }}{% endif %}"
    ),
    Kind.DISPUTE_CLOSED: _staff("{{ headline }}: {{ amount }} from {{ member }}"),
    Kind.HELP_ASKED: _staff("Message from {{ sender }}: {{ first_words }}"),
    Kind.ADDRESS_CODE: _account("{{ code }} is your code"),
    Kind.ADDRESS_LINK: _account("Confirm your new email address", CHANGE_WHY),
    Kind.PASSWORD_LINK: _account("Choose a new password", CHANGE_WHY),
    Kind.STAFF_INVITED: _account(
        "{{ actor }} invites you to the team of {{ brand.name }}",
        _("You’re receiving this because someone on the team entered this address."),
    ),
    Kind.LOGIN_CODE: _account("{{ code }} is your sign-in code"),
    Kind.SIGN_IN_LINK: _account("Your sign-in link", CHANGE_WHY),
    Kind.PASSWORD_CODE: _account("{{ code }} is your password code"),
    Kind.PHONE_CODE: Spec(
        category=Category.ACCOUNT, email=False, sms=True, sensitive=True, topic=Topic.ON_REQUEST
    ),
    Kind.TEXTS_ON: Spec(category=Category.ACCOUNT, email=False, sms=True, topic=Topic.SECURITY),
    Kind.ACCOUNT_EXISTS: _account("You already have an account", topic=Topic.SECURITY),
    Kind.UNKNOWN_ACCOUNT: _account("No account with this address"),
    Kind.ACCOUNT_CHANGED: _account("{{ headline }}", CHANGE_WHY, Topic.SECURITY),
    Kind.ACCOUNT_CLOSED: _account("Your account is closed", CLOSED_WHY, Topic.SECURITY),
    Kind.CLOSING_PLANNED: Spec(
        "{% load message_dates %}Your account closes on {{ closes_on|day }}",
        Category.ACCOUNT,
        why=CHANGE_WHY,
        topic=Topic.SECURITY,
    ),
    Kind.CLOSING_UNDONE: Spec(
        "Your account stays open", Category.ACCOUNT, why=CHANGE_WHY, topic=Topic.SECURITY
    ),
    Kind.CLOSING_HELD: Spec(
        "We can’t close your account yet", Category.ACCOUNT, why=CHANGE_WHY, topic=Topic.SECURITY
    ),
    Kind.DATA_READY: Spec(
        "Your data is ready to download", Category.ACCOUNT, why=CHANGE_WHY, topic=Topic.ON_REQUEST
    ),
}


def spec_of(kind: str) -> Spec:
    """Return the kind's entry."""
    return CATALOG[Kind(kind)]


def name_of(kind: str) -> str:
    """Return a kind of message in words."""
    return str(kind).replace("_", " ").capitalize()


def has_texts(topic: Topic) -> bool:
    """Whether something about a topic is also sent by text, on its own account."""
    return any(
        spec.topic == topic and spec.sms and spec.category == Category.BILLING
        for spec in CATALOG.values()
    )

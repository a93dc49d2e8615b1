"""Reads what a member's page says: a bounded number of statements, whatever the member has.

Each part needs the permission to view its rows; without it, the part is empty.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.utils import timezone

from billing.admin import trials
from billing.core.statuses import (
    OPEN_DISPUTE,
    REFUND_UNDER_WAY,
    InvoiceStatus,
    PaymentStatus,
)
from billing.facts import income, memberships
from billing.facts.paid_periods import Period, paid_for
from billing.models import (
    Customer,
    Dispute,
    FraudWarning,
    Invoice,
    Payment,
    PaymentMethod,
    PaymentRequest,
    Refund,
    Subscription,
)
from emails import preferences
from emails.models import Message, MessageState
from members.models import TermsAcceptance
from portal.backoffice import notes
from portal.models import MemberTag, PlannedClosing, StaffNote, SupportMessage

# Rows of each kind that are named on the page; the lists have all.
SHOWN = 3
# How long a message that couldn't be delivered needs somebody.
FAILED_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Worth:
    """What someone paid in one currency, and what of it went back; in minor units.

    `held` is what banks hold until they have decided on a dispute.
    """

    currency: str
    payments: int
    paid: int
    refunded: int
    returned: int
    held: int
    first_at: datetime | None
    last_at: datetime | None

    @property
    def net(self) -> int:
        """What we have of it now."""
        return self.paid - self.refunded - self.returned - self.held


@dataclass(frozen=True)
class SignIns:
    """How someone can sign in."""

    has_password: bool
    is_email_verified: bool
    passkeys: int
    # "Authenticator app", if a password alone isn't enough.
    second_step: bool
    connected: tuple[str, ...]


@dataclass(frozen=True)
class Money:
    """What someone has and pays; each part is empty if the viewer may not see it."""

    customers: tuple[Customer, ...] = ()
    membership: Subscription | None = None
    others: tuple[Subscription, ...] = ()
    paid_for: Period | None = None
    continuing: int = 0
    trial: str = ""
    methods: tuple[PaymentMethod, ...] = ()
    worth: tuple[Worth, ...] = ()
    last_payment: Payment | None = None
    refundable: Payment | None = None
    unpaid: tuple[Invoice, ...] = ()
    drafts: tuple[Invoice, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    fraud: tuple[FraudWarning, ...] = ()
    refunds: tuple[Refund, ...] = ()
    requests: tuple[PaymentRequest, ...] = ()


@dataclass(frozen=True)
class MemberFacts:
    """Everything that the page says about one member but its timeline. `sees` are permissions."""

    user: User
    now: datetime
    sees: frozenset[str]
    groups: tuple[str, ...]
    sign_ins: SignIns
    money: Money
    closing: PlannedClosing | None
    terms: TermsAcceptance | None
    turned_off: tuple[tuple[str, str], ...]
    help: tuple[SupportMessage, ...] = field(default=())
    failed: tuple[Message, ...] = field(default=())
    notes: tuple[StaffNote, ...] = field(default=())
    tags: tuple[MemberTag, ...] = field(default=())


VIEWED = (
    *("billing.view_customer", "billing.view_subscription", "billing.view_payment"),
    *("billing.view_invoice", "billing.view_refund", "billing.view_dispute"),
    "billing.view_fraudwarning",
    *("billing.view_paymentmethod", "billing.view_paymentrequest", "emails.view_message"),
    *("portal.view_supportmessage", "portal.view_plannedclosing", "account.view_emailaddress"),
    *("members.view_member", "members.view_termsacceptance", notes.MAY_SEE),
)


def read(user: User, viewer: User) -> MemberFacts:
    """Return what the viewer may know about a member."""
    now = timezone.now()
    sees = frozenset(one for one in VIEWED if viewer.has_perm(one))
    closings = PlannedClosing.objects.filter(user=user).select_related("ended_by", "planned_by")
    terms = TermsAcceptance.objects.filter(user=user).order_by("-pk")
    return MemberFacts(
        user=user,
        now=now,
        sees=sees,
        groups=tuple(user.groups.values_list("name", flat=True)) if user.is_staff else (),
        sign_ins=_sign_ins(user),
        money=_money(user, viewer, sees, now),
        closing=closings.first() if "portal.view_plannedclosing" in sees else None,
        terms=terms.first() if "members.view_termsacceptance" in sees else None,
        turned_off=tuple(sorted(preferences.switched_off(user))),
        help=_some(sees, "portal.view_supportmessage", _help(user)),
        failed=_some(sees, "emails.view_message", _failed(user, now)),
        notes=_some(sees, notes.MAY_SEE, _notes(user)),
        tags=tuple(notes.given(user)) if notes.MAY_SEE in sees else (),
    )


def _some(sees: frozenset[str], permission: str, rows: QuerySet[Any]) -> tuple[Any, ...]:
    """Return the first rows, and one more if there is, so that the page can say so."""
    return tuple(rows[: SHOWN + 1]) if permission in sees else ()


def _help(user: User) -> QuerySet[SupportMessage]:
    return SupportMessage.objects.unanswered().filter(user=user).order_by("-pk")


def _notes(user: User) -> QuerySet[StaffNote]:
    rows = StaffNote.objects.filter(user=user, removed_at=None)
    return rows.select_related("author").order_by("-pk")


def _failed(user: User, now: datetime) -> QuerySet[Message]:
    """Messages that couldn't be delivered lately, and that nobody has had sent again."""
    rows = Message.objects.filter(
        user=user, state=MessageState.FAILED, created_at__gt=now - FAILED_FOR, resends=None
    )
    return rows.defer("context").order_by("-pk")


def _sign_ins(user: User) -> SignIns:
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    addresses = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    connected = SocialAccount.objects.filter(user=user).order_by("provider")
    return SignIns(
        has_password=user.has_usable_password(),
        is_email_verified=addresses.exists(),
        passkeys=kinds.count(Authenticator.Type.WEBAUTHN),
        second_step=Authenticator.Type.TOTP in kinds,
        connected=tuple(connected.values_list("provider", flat=True)),
    )


def _money(user: User, viewer: User, sees: frozenset[str], now: datetime) -> Money:
    rows = Subscription.objects.for_user(user).select_related("customer__user")
    held = list(rows) if "billing.view_subscription" in sees else []
    membership = memberships.that_counts(held)
    paid = _paid(user) if "billing.view_payment" in sees else []
    customers = Customer.objects.filter(user=user).order_by("-created_at")
    methods = PaymentMethod.objects.filter(customer__user=user)
    requests = PaymentRequest.objects.for_user(user).asked(now)
    is_unpaid = Q(status=InvoiceStatus.OPEN, amount_remaining__gt=0)
    is_draft = Q(status=InvoiceStatus.DRAFT, auto_advance=False, subscription__isnull=False)
    bills = _some(
        sees,
        "billing.view_invoice",
        Invoice.objects.filter(is_unpaid | is_draft, customer__user=user).order_by(
            # "open" before "draft": what's owed is never cut off by drafts.
            "-status",
            "created_at",
            "pk",
        ),
    )
    disputes = Dispute.objects.filter(customer__user=user, status__in=OPEN_DISPUTE)
    reported = FraudWarning.objects.to_settle().filter(customer__user=user)
    reported = reported.select_related("payment")
    refunds = Refund.objects.filter(customer__user=user, state__in=REFUND_UNDER_WAY)
    owed = Refund.objects.filter(customer__user=user).still_owed()
    return Money(
        customers=tuple(customers) if "billing.view_customer" in sees else (),
        membership=membership,
        paid_for=paid_for(membership) if membership and membership.is_live else None,
        others=tuple(one for one in held if one.is_live and one is not membership),
        continuing=sum(
            one.is_membership and one.is_live and not one.ends_with_period for one in held
        ),
        trial=trials.of_member(user) if "billing.view_subscription" in sees else "",
        methods=_some(sees, "billing.view_paymentmethod", methods.order_by("-created_at", "-pk")),
        worth=_worth(user) if "billing.view_payment" in sees else (),
        last_payment=next(iter(paid), None),
        refundable=_refundable(paid) if user.pk != viewer.pk else None,
        unpaid=tuple(one for one in bills if not one.is_kept_draft),
        drafts=tuple(one for one in bills if one.is_kept_draft),
        disputes=_some(sees, "billing.view_dispute", disputes.order_by("evidence_due_at", "pk")),
        fraud=_some(sees, "billing.view_fraudwarning", reported.order_by("created_at", "pk")),
        refunds=(
            *_some(sees, "billing.view_refund", refunds.order_by("created_at", "pk")),
            *_some(sees, "billing.view_refund", owed.order_by("created_at", "pk")),
        ),
        requests=_some(sees, "billing.view_paymentrequest", requests.order_by("pk")),
    )


def _paid(user: User) -> list[Payment]:
    """Return the newest payments, tries included."""
    rows = Payment.objects.filter(customer__user=user).prefetch_related("disputes")
    return list(rows.order_by("-created_at", "-pk")[: 2 * SHOWN])


def _refundable(paid: list[Payment]) -> Payment | None:
    """Return the newest payment of which something can still go back."""
    for row in paid:
        is_disputed = any(one.is_open for one in row.disputes.all())
        if row.status == PaymentStatus.SUCCEEDED and income.net(row) > 0 and not is_disputed:
            return row
    return None


def _worth(user: User) -> tuple[Worth, ...]:
    """Return what someone paid, by currency: the largest first, as the payments count."""
    rows = Payment.objects.filter(customer__user=user, status=PaymentStatus.SUCCEEDED)
    sums = (
        rows.order_by()
        .values("currency")
        .annotate(
            payments=Count("pk"),
            paid=Sum("amount_received"),
            refunded=Sum("amount_refunded"),
            first_at=Min("paid_at"),
            last_at=Max("paid_at"),
        )
    )
    returned, held = income.returned_of(rows), income.held_of(rows)
    found = [
        Worth(**one, returned=returned.get(code, 0), held=held.get(code, 0))
        for one in sums
        for code in [one["currency"]]
    ]
    return tuple(sorted(found, key=lambda one: (-one.payments, one.currency)))

"""The facts for pages about a member's status: one statement each, and one for names.

`membership_status`, `alerts`, and `home` put them into words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from billing.core.bank_statuses import ExpectedState, ZellePurpose
from billing.core.statuses import (
    UNFINISHED_CHECKOUT,
    Collection,
    InvoiceStatus,
    PaymentStatus,
    Purpose,
)
from billing.facts import cards, descriptions, plans, trials, zelle
from billing.facts.descriptions import ProductNames
from billing.facts.plans import PlanOffer
from billing.membership import cancellation, switch_options
from billing.models import (
    Checkout,
    Dispute,
    ExpectedTransfer,
    Invoice,
    MembershipDecision,
    Payment,
    PaymentRequest,
    Plan,
    Refund,
    Subscription,
    TaxAccount,
    TrialRecord,
    ZelleTerms,
)
from billing.models.decision import PENDING_FOR
from billing.pages.payment_lines import PAGE_SIZE
from billing.refunds import queries
from common.reads import AnyOf, Param, Part, Reading, Results, attach
from emails.models import Suppression

CONFIRMING_FOR = timedelta(hours=1)
ME, NOW = Param("user", "bigint"), Param("now", "timestamptz")


def _waiting() -> QuerySet[Invoice]:
    """Return the invoices worth mentioning: unpaid, or not collected yet."""
    is_open = Q(status=InvoiceStatus.OPEN, amount_remaining__gt=0)
    return Invoice.objects.for_user(ME).filter(is_open | ~Q(collection=Collection.NONE))


def _live() -> QuerySet[Subscription]:
    return Subscription.objects.for_user(ME).live()


def _last_paid() -> QuerySet[Payment]:
    """Return the last payment of each live subscription."""
    by, rows = "invoice__subscription_id", cards.paid_of(_live()).filter(customer__user=ME)
    last = rows.order_by(by, *rows.query.order_by).distinct(by)
    return Payment.objects.filter(pk__in=last.values("pk"))


SUBSCRIPTIONS = Part(lambda: Subscription.objects.for_user(ME))
DECISION = Part(lambda: cancellation.pending(ME, Param("pending_since", "timestamptz"))[:1])
CONFIRMING = Part(
    lambda: (
        Checkout.objects.for_user(ME)
        .filter(
            purpose=Purpose.MEMBERSHIP,
            state__in=sorted(UNFINISHED_CHECKOUT),
            returned_at__gt=Param("confirming_since", "timestamptz"),
        )
        .values_list("pk", flat=True)[:1]
    )
)
WAITING = Part(lambda: _waiting().select_related("subscription"))
TRIES = Part(lambda: Payment.objects.filter(invoice__in=_waiting().order_by().values("pk")))
REFUNDS = Part(
    lambda: queries.newest(
        ME, Param("failed_since", "timestamptz"), Param("at_bank_since", "timestamptz")
    )
)
ASKED = Part(lambda: PaymentRequest.objects.for_user(ME).asked(NOW))
AT_BANKS = Part(
    lambda: Payment.objects.for_user(ME).filter(invoice=None, status=PaymentStatus.PROCESSING)[
        :PAGE_SIZE
    ]
)
LAST_PAID = Part(lambda: _last_paid().select_related("invoice"))
PLANS = Part(lambda: Plan.objects.filter(stripe_id=AnyOf("price_ids", "text"), active=True))
TRIED = Part(lambda: TrialRecord.objects.filter(digest=AnyOf("digests", "text"))[:1])
TAX_ACCOUNT = Part(lambda: TaxAccount.objects.all()[:1])
ZELLE_TERMS = Part(lambda: ZelleTerms.objects.defer("code")[:1])
ZELLE_PLANS = Part(lambda: Plan.objects.filter(stripe_id=AnyOf("zelle_price_ids", "text")))
BY_ZELLE = Part(lambda: zelle.worth_mentioning(ME))
SUPPRESSION = Part(
    lambda: Suppression.objects.filter(user=ME, released_at=None, address=F("user__email"))[:1]
)
STANDING = (
    *(SUBSCRIPTIONS, DECISION, CONFIRMING, WAITING, TRIES, REFUNDS, ASKED, AT_BANKS, LAST_PAID),
    *(PLANS, TRIED, TAX_ACCOUNT, ZELLE_TERMS, ZELLE_PLANS, BY_ZELLE, SUPPRESSION),
)

LAST = Part(
    lambda: (
        Payment.objects.for_user(ME)
        .filter(status=PaymentStatus.SUCCEEDED)
        .select_related("invoice__subscription")[:1]
    )
)
DISPUTES = Part(lambda: Dispute.objects.filter(payment__customer__user=ME))
HOME = Reading(*STANDING, LAST, DISPUTES)

OF_PERIOD = Part(lambda: switch_options.paid_for_periods(_live()).select_related("invoice"))
GIVEN_BACK = Part(
    lambda: (
        Refund.objects.holding()
        .filter(payment__in=switch_options.paid_for_periods(_live()).order_by().values("pk"))
        .select_related("payment__invoice")
    )
)
MEMBERSHIP = Reading(*STANDING, OF_PERIOD, GIVEN_BACK, DISPUTES)


@dataclass(frozen=True)
class MemberFacts:
    """A member's subscriptions, and everything they must know or do.

    `waiting`: invoices that are unpaid or not collected yet, with the attempts to pay them.
    `last_paid`: the last payment by live subscription. `plans`: the prices on sale, in display
    order. `paid`, `given_back`: what was paid for current periods, with its disputes and refunds;
    only the membership page has these. `last_payment`: only home has it. `by_zelle`: payments by
    Zelle that aren't over; `zelle_plans`: the prices for it. `suppression`: why their address gets
    only the emails they need.
    """

    user: User
    subscriptions: Sequence[Subscription]
    decision: MembershipDecision | None
    is_confirming: bool
    waiting: Sequence[Invoice]
    refunds: Sequence[Refund]
    asked: Sequence[PaymentRequest]
    at_banks: Sequence[Payment]
    last_paid: Mapping[int, Payment]
    plans: Sequence[Plan]
    is_new: bool
    tax_behavior: str
    names: ProductNames
    zelle_terms: ZelleTerms
    zelle_plans: Sequence[Plan]
    by_zelle: Sequence[ExpectedTransfer]
    suppression: Suppression | None = None
    last_payment: Payment | None = None
    paid: Sequence[Payment] = field(default_factory=list)
    given_back: Sequence[Refund] = field(default_factory=list)

    @property
    def offer(self) -> PlanOffer | None:
        """What's on sale to them."""
        return plans.offer(self.plans, is_new=self.is_new, tax_behavior=self.tax_behavior)

    @property
    def begins_by_zelle(self) -> bool:
        """Whether a membership is about to begin that was paid by Zelle."""
        rows = [row for row in self.by_zelle if row.purpose == ZellePurpose.MEMBERSHIP]
        return any(row.state != ExpectedState.WAITING for row in rows)

    @property
    def zelle_offer(self) -> PlanOffer | None:
        """What's on sale to them if they pay by Zelle, unless they are. There's no free trial."""
        if any(row.purpose == ZellePurpose.MEMBERSHIP for row in self.by_zelle):
            return None
        rows = zelle.on_sale(self.zelle_plans, self.tax_behavior, self.zelle_terms)
        return plans.offer(rows, is_new=False, tax_behavior=self.tax_behavior)

    def waiting_of(self, row: Subscription) -> list[Invoice]:
        """Return a subscription's waiting invoices, newest first."""
        return [one for one in self.waiting if one.subscription_id == row.pk]


def home(user: User) -> MemberFacts:
    """Read the home page's facts."""
    return _facts(user, _read(HOME, user), is_home=True)


def membership(user: User) -> MemberFacts:
    """Read the membership pages' facts."""
    return _facts(user, _read(MEMBERSHIP, user), is_home=False)


def beside(reading: Reading, user: User, **more: Any) -> tuple[MemberFacts, Results]:
    """Read the membership pages' facts as a part of another reading, which has all of its parts.

    `more` are the other parts' values, which stand in the results.
    """
    results = _read(reading, user, **more)
    return _facts(user, results, is_home=False), results


def _read(reading: Reading, user: User, **more: Any) -> Results:
    now = timezone.now()
    return reading(
        **more,
        user=user.pk,
        now=now,
        pending_since=now - PENDING_FOR,
        confirming_since=now - CONFIRMING_FOR,
        failed_since=now - queries.REMEMBERED_FOR,
        at_bank_since=now - queries.AT_THE_BANK_FOR,
        price_ids=plans.price_ids(),
        zelle_price_ids=zelle.price_ids(),
        digests=sorted(trials.that_count([user.email])),
    )


def _facts(user: User, results: Results, *, is_home: bool) -> MemberFacts:
    waiting, refunds = results[WAITING], results[REFUNDS]
    attach(waiting, "payments", results[TRIES], "invoice_id")
    subscriptions, account = results[SUBSCRIPTIONS], results.first(TAX_ACCOUNT)
    last = results.first(LAST) if is_home else None
    paid = [] if is_home else results[OF_PERIOD]
    attach([*([last] if last else []), *paid], "disputes", results[DISPUTES], "payment_id")
    shown = [row.payment.invoice for row in refunds] + [last.invoice if last else None]
    return MemberFacts(
        user=user,
        subscriptions=subscriptions,
        decision=results.first(DECISION),
        is_confirming=bool(results[CONFIRMING]),
        waiting=waiting,
        refunds=refunds,
        asked=results[ASKED],
        at_banks=results[AT_BANKS],
        last_paid={
            row.invoice.subscription_id: row
            for row in results[LAST_PAID]
            if row.invoice and row.invoice.subscription_id
        },
        plans=plans.in_order(results[PLANS]),
        is_new=not trials.begun_among(subscriptions) and not results[TRIED],
        tax_behavior=account.behavior if account else "",
        names=descriptions.product_names([*waiting, *filter(None, shown)] if is_home else waiting),
        zelle_terms=results.first(ZELLE_TERMS) or ZelleTerms(pk=1),
        zelle_plans=results[ZELLE_PLANS],
        by_zelle=results[BY_ZELLE],
        suppression=results.first(SUPPRESSION),
        last_payment=last,
        paid=paid,
        given_back=[] if is_home else results[GIVEN_BACK],
    )

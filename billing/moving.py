"""Moves customers, with everything that was paid through them, from one member to another.

What hangs on a customer (subscriptions, invoices, payments, refunds, disputes, cards) goes along by
itself. What names its user as well is changed here. The refund ledger isn't touched: its entries
name who acted, which stays true, and are hashed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from billing.core.statuses import (
    OPEN_DISPUTE,
    REFUND_UNDER_WAY,
    UNFINISHED_CHECKOUT,
    Purpose,
    RefundAction,
    RequestState,
)
from billing.facts import memberships
from billing.models import (
    Checkout,
    CreditNote,
    Customer,
    Dispute,
    ExpectedTransfer,
    FraudWarning,
    Invoice,
    Item,
    KnownPayer,
    MembershipDecision,
    Payment,
    PaymentMethod,
    PaymentRequest,
    Refund,
    RefundEntry,
    RetentionShowing,
    Subscription,
)
from common.money import Money

# A member has one unfinished page, and awaits one transfer, for each of these.
ONE_AT_A_TIME = (str(Purpose.MEMBERSHIP), str(Purpose.AMOUNT))
DECISIONS = (RefundAction.APPROVED, RefundAction.APPROVED_FIRST, RefundAction.DENIED)
Rows = QuerySet[Any]


@dataclass(frozen=True)
class Move:
    """What goes from one user to another: one customer, or all customers and what's beside them."""

    origin: User
    to: User
    customer: Customer | None = None

    @property
    def customers(self) -> QuerySet[Customer]:
        """The customers that go."""
        mine = Customer.objects.filter(user=self.origin)
        return mine.filter(pk=self.customer.pk) if self.customer else mine

    @property
    def is_whole(self) -> bool:
        """Whether everything goes."""
        return self.customer is None


def _of_customers(model: Any) -> Callable[[Move], Rows]:
    return lambda move: model.objects.filter(customer__in=move.customers)


def _requests(move: Move) -> Rows:
    """Payment requests; with one customer, those that were paid through it."""
    mine = PaymentRequest.objects.filter(user=move.origin)
    if move.is_whole:
        return mine
    visits = Checkout.objects.filter(
        Q(payment__isnull=False) | Q(state__in=UNFINISHED_CHECKOUT),
        request=OuterRef("pk"),
        customer__in=move.customers,
    )
    sent = ExpectedTransfer.objects.filter(
        request=OuterRef("pk"), invoice__customer__in=move.customers
    )
    return mine.filter(Exists(visits) | Exists(sent))


def left_requests(move: Move) -> Rows:
    """Return what the other one is still asked to pay, and stays theirs: asked of the person."""
    mine = PaymentRequest.objects.filter(user=move.origin, state=RequestState.OPEN)
    return mine.exclude(pk__in=_requests(move).values("pk"))


def _expected(move: Move) -> Rows:
    mine = ExpectedTransfer.objects.filter(user=move.origin)
    if move.is_whole:
        return mine
    through = Q(invoice__customer__in=move.customers)
    return mine.filter(through | Q(subscription__customer__in=move.customers))


def _payers(move: Move) -> Rows:
    mine = KnownPayer.objects.filter(user=move.origin)
    return mine if move.is_whole else mine.none()


# What goes: one of it as staff read it, and the rows. Tried cards and visits aren't worth a line.
KINDS: tuple[tuple[str, Callable[[Move], Rows]], ...] = (
    ("customer at Stripe|customers at Stripe", lambda move: move.customers),
    ("subscription", _of_customers(Subscription)),
    ("invoice", _of_customers(Invoice)),
    ("payment", _of_customers(Payment)),
    ("refund", _of_customers(Refund)),
    ("dispute", _of_customers(Dispute)),
    ("fraud warning", _of_customers(FraudWarning)),
    ("credit note", _of_customers(CreditNote)),
    ("saved card", _of_customers(PaymentMethod)),
    ("visit to Checkout|visits to Checkout", _of_customers(Checkout)),
    ("decision about a membership|decisions about a membership", _of_customers(MembershipDecision)),
    ("retention offer shown|retention offers shown", _of_customers(RetentionShowing)),
    ("payment request", _requests),
    ("Zelle payment", _expected),
    ("name of a Zelle payer|names of Zelle payers", _payers),
)


def counts(move: Move) -> list[tuple[str, int]]:
    """Return what goes and how many of each, leaving out what there's none of."""
    found = [(name, rows(move).count()) for name, rows in KINDS]
    return [(name, count) for name, count in found if count]


def credits_of(move: Move) -> list[Money]:
    """Return the balances at Stripe that go along, as credit: one per customer that has one."""
    rows = Subscription.objects.filter(customer__in=move.customers, balance__lt=0)
    latest = rows.order_by("customer_id", "-read_at").distinct("customer_id")
    return [Money(-row.balance, row.currency) for row in latest]


def warnings(move: Move) -> Iterator[str]:
    """Yield what staff should know before they say yes, a sentence each."""
    theirs = Subscription.objects.filter(customer__in=move.customers).memberships().live()
    if theirs.exists() and memberships.live(move.to):
        yield "Both have a membership, and both keep being charged until you end one of them."
    refunds = _of_customers(Refund)(move).filter(state__in=sorted(REFUND_UNDER_WAY)).count()
    if refunds:
        yield "A refund is under way. It goes on, to the card that paid."
    disputes = _of_customers(Dispute)(move).filter(status__in=OPEN_DISPUTE)
    if disputes.exists():
        yield "A dispute is open. Its answer then tells the bank of both accounts as one member."


def obstacles(move: Move) -> Iterator[str]:
    """Yield what must be settled before anything can move, a sentence each."""
    if _has_decided(move):
        yield (
            "One of the two decided on a refund of the other, when they were on the team. It would"
            " look like a decision on their own refund."
        )
    if _both(Checkout.objects.filter(state__in=UNFINISHED_CHECKOUT), move):
        yield (
            "Both have begun to pay for the same thing on Stripe’s page. Wait until they’ve paid"
            " or the pages have expired, which takes a day."
        )
    if _both(ExpectedTransfer.objects.open(), move):
        yield (
            "Both have an open payment by Zelle for the same thing. Cancel one of them, or wait"
            " until it’s paid."
        )
    for name in _asked_twice(move):
        yield f"Both are asked to pay for “{name}”. Cancel one of the payment requests first."


def _has_decided(move: Move) -> bool:
    """Whether one's decision on a refund would become one on their own."""
    pair = (move.origin, move.to)
    entries = RefundEntry.objects.filter(action__in=DECISIONS, actor__in=pair)
    return entries.filter(refund__customer__user__in=pair).exists()


def _both(rows: Rows, move: Move) -> bool:
    """Whether both have such a row for one purpose, of which a member may have only one."""
    theirs = rows.filter(purpose__in=ONE_AT_A_TIME)
    if move.customer and rows.model is Checkout:
        going = theirs.filter(customer=move.customer)
    elif move.customer:
        going = theirs.filter(pk__in=_expected(move).values("pk"))
    else:
        going = theirs.filter(user=move.origin)
    return theirs.filter(user=move.to, purpose__in=going.values("purpose")).exists()


def _asked_twice(move: Move) -> list[str]:
    """Return the items that both have a request for, of which one is still open."""
    going = _requests(move).exclude(state=RequestState.CANCELED).exclude(item=None)
    there = PaymentRequest.objects.filter(user=move.to).exclude(state=RequestState.CANCELED)
    found = []
    for row in going.select_related("item"):
        others = there.filter(item=row.item)
        is_open = Q(state=RequestState.OPEN)
        if others.filter(is_open).exists() or (row.state == RequestState.OPEN and others.exists()):
            found.append(str(row.item))
    return found


def move_all(move: Move) -> None:
    """Move the rows. Call it in a transaction that holds the locks of both members."""
    ids = list(move.customers.values_list("pk", flat=True))
    requests = list(_requests(move).values_list("pk", flat=True))
    expected = list(_expected(move).values_list("pk", flat=True))
    _let_go_of_items(move, requests)
    for model, name in ((MembershipDecision, "actor"), (Refund, "requested_by")):
        rows: Rows = model._default_manager.filter(customer__in=ids)
        rows.filter(**{name: move.origin}).update(**{name: move.to})
    Checkout.objects.filter(customer__in=ids).update(user=move.to)
    PaymentRequest.objects.filter(pk__in=requests).update(user=move.to)
    ExpectedTransfer.objects.filter(pk__in=expected).update(user=move.to)
    if move.is_whole:
        known = KnownPayer.objects.filter(user=move.to).values("key")
        _payers(move).filter(key__in=known).delete()
        _payers(move).update(user=move.to)
        _offer_items(move)
    # The mark at Stripe still names the other one; `billing.reconcile.push` tells Stripe.
    Customer.objects.filter(pk__in=ids).update(
        user=move.to, told_user=Coalesce(F("told_user"), move.origin.pk)
    )


def _let_go_of_items(move: Move, requests: list[int]) -> None:
    """Take the item out of paid requests for what the other one has paid for, too.

    A member has an item once. The description and the payment still say what it was.
    """
    taken = PaymentRequest.objects.filter(user=move.to).exclude(state=RequestState.CANCELED)
    rows = PaymentRequest.objects.filter(pk__in=requests).exclude(state=RequestState.CANCELED)
    rows.filter(item__in=taken.exclude(item=None).values("item")).update(item=None)


def _offer_items(move: Move) -> None:
    offered = Item.members.through.objects
    there = offered.filter(user=move.to).values("item_id")
    offered.filter(user=move.origin, item_id__in=there).delete()
    offered.filter(user=move.origin).update(user=move.to)

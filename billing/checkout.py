"""Use case: a member pays on Stripe Checkout, once; and buys the membership."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from billing import gateway, idempotency, memberships, payers, plans, sync, troubles
from billing.models import Checkout, Customer, PaymentRequest, Plan, Subscription
from billing.snapshots import CheckoutSnapshot
from billing.states import (
    UNFINISHED_CHECKOUT,
    CheckoutState,
    Purpose,
)

logger = logging.getLogger(__name__)


ANOTHER_TAB = (
    "You also started to pay in another tab or window. Nothing was charged here. Continue there, "
    "or try again in a moment."
)


class CheckoutError(Exception):
    """Buying can't go on; the text is for the member."""


class AlreadyPaid(CheckoutError):
    """The member has paid for this, or is about to."""


class AlreadyMember(AlreadyPaid):
    """The member has the membership, or has just paid for it."""


@dataclass(frozen=True)
class Wanted:
    """What is to be paid: the columns of its `Checkout`, and how its session is made.

    `already` is what is raised where the member has just paid for it.
    """

    purpose: Purpose
    terms: Mapping[str, Any]
    open_session: Callable[[Checkout, Customer], CheckoutSnapshot]
    already: AlreadyPaid
    request: PaymentRequest | None = None

    def is_for(self, row: Checkout) -> bool:
        """Whether a row was made on these very terms."""
        return all(getattr(row, column) == term for column, term in self.terms.items())

    @property
    def unfinished(self) -> dict[str, Any]:
        """The columns by which its one unfinished row is found."""
        return {
            "purpose": self.purpose,
            "request": self.request,
            "state__in": UNFINISHED_CHECKOUT,
        }


@dataclass(frozen=True)
class Return:
    """Where a member stands who comes back from Checkout."""

    paid: bool
    known: bool


def start_membership(user: User, price_id: str = "") -> str:
    """Return the address of the Checkout page on which the member starts the membership.

    `price_id` is one of the prices on sale, or empty for the first. Two clicks, or two tabs, lead
    to the same page, which can be paid once only; another price takes its place.

    Raises:
        AlreadyMember: there is a live subscription, or a payment that waits for its webhook.
        CheckoutError: Stripe could not be asked, or nothing is on sale. No row is left half made.
    """
    with in_sentences("join"):
        plan = chosen_plan(price_id)
        customer = customer_of(user)
        _refuse_if_member(user)
        wanted = Wanted(
            purpose=Purpose.MEMBERSHIP,
            terms={"price_id": plan.stripe_id},
            open_session=lambda row, payer: gateway.create_checkout(_request(row, plan, payer)),
            already=AlreadyMember("You have just paid. Your membership is being confirmed."),
        )
        return page_of(customer, wanted)


@contextmanager
def in_sentences(action: str) -> Iterator[None]:
    """Turn Stripe's troubles into sentences for the member, who can't do the `action` now.

    Raises:
        CheckoutError: instead of the gateway's errors.
    """
    try:
        yield
    except gateway.StripeError as error:
        troubles.note(logger, error, "A checkout could not start")
        words = troubles.sentence(error, action, so_far="Nothing was charged.")
        raise CheckoutError(words) from error


def page_of(customer: Customer, wanted: Wanted) -> str:
    """Return the address of the one Checkout page on which the customer can pay this.

    Raises:
        AlreadyPaid: it was paid a moment ago.
        gateway.StripeError: Stripe could not be asked. No row is left half made.
    """
    row = _unfinished(customer, wanted)
    return row.url or _open_session(row, customer, wanted)


def returned(user: User, session_id: str) -> Return:
    """Record that a member came back from Checkout, and say whether they had paid there.

    Stripe is asked once; where it can't be reached, the webhook will tell.
    """
    row = Checkout.objects.for_user(user).filter(session_id=session_id).first()
    if not session_id or row is None:
        return Return(paid=False, known=False)
    if row.state in (CheckoutState.COMPLETE, CheckoutState.PROCESSING) or row.returned_at:
        return Return(paid=True, known=True)
    try:
        paid = gateway.read_checkout(session_id).status == CheckoutState.COMPLETE
    except gateway.StripeError as error:
        troubles.note(logger, error, "Could not ask whether a checkout was paid")
        return Return(paid=True, known=True)
    if paid:
        Checkout.objects.filter(pk=row.pk).update(returned_at=timezone.now())
    return Return(paid=paid, known=True)


def card_page(user: User, subscription_pk: int | None = None) -> str:
    """Return the address of Stripe's page on which the member changes their card.

    That of one subscription of theirs, or of what pays for the membership.

    Raises:
        CheckoutError: Stripe could not be asked, or the member never paid for anything.
    """
    customer = _payer_of(user, subscription_pk) if subscription_pk else payers.living(user)
    if customer is None:
        raise CheckoutError("There is no card yet: you have not bought anything.")
    back = settings.PORTAL_URL + reverse("billing:membership")
    try:
        return gateway.create_portal_session(customer.stripe_id, back)
    except gateway.StripeError as error:
        troubles.note(logger, error, "The card page could not be opened")
        raise CheckoutError(troubles.sentence(error, "change your card")) from error


def _payer_of(user: User, subscription_pk: int) -> Customer | None:
    rows = Customer.objects.filter(user=user, deleted_at_stripe=False)
    return rows.filter(subscriptions=subscription_pk).first()


def chosen_plan(price_id: str = "") -> Plan:
    """Return the price on sale of this id, or the first; read from Stripe where it never was.

    Raises:
        CheckoutError: no price is configured, or this one is not for sale.
    """
    ids = plans.price_ids()
    if not ids:
        raise CheckoutError("The membership is not on sale yet.")
    wanted = price_id or ids[0]
    if wanted not in ids:
        raise CheckoutError("This price is not on sale any more. Please choose again.")
    plan = Plan.objects.filter(stripe_id=wanted).first() or sync.sync_plan(wanted)
    if not plan.active:
        raise CheckoutError("The membership is not on sale at the moment.")
    return plan


def customer_of(user: User) -> Customer:
    """Return the user's customer that pays next; make it at Stripe where there is none."""
    found = payers.living(user)
    if found:
        return found
    made = gateway.create_customer(user.pk, user.email, user.get_full_name(), user.member.language)
    return sync.sync_customer(made.id)


def _refuse_if_member(user: User) -> None:
    """Refuse a second membership; Stripe is asked too, as a webhook may be on its way."""
    if not memberships.live(user):
        rows = Subscription.objects.for_user(user)
        known = set(rows.values_list("stripe_id", flat=True))
        for customer in Customer.objects.filter(user=user, deleted_at_stripe=False):
            for missing in set(gateway.subscription_ids(customer.stripe_id)) - known:
                sync.sync_subscription(missing)
    if memberships.live(user):
        raise AlreadyMember("You have the membership already.")


def _unfinished(customer: Customer, wanted: Wanted) -> Checkout:
    """Return the one unfinished checkout of this, checked with Stripe, or a new row."""
    rows = Checkout.objects.filter(user=customer.user_id, **wanted.unfinished)
    found = rows.first()
    if found and found.session_id and not _still_open(found, wanted):
        found = None
    if found and not wanted.is_for(found):
        # Whoever is making that session right now finds its row closed, and tells nobody of it.
        _close(found)
        found = None
    if found:
        return found
    try:
        return _new_row(customer, wanted)
    except IntegrityError:
        # Another tab was faster: go on with its row, unless that is gone by now.
        found = rows.first()
    if found is None or not wanted.is_for(found):
        raise CheckoutError(ANOTHER_TAB)
    return found


def _close(row: Checkout) -> None:
    Checkout.objects.filter(pk=row.pk, state__in=UNFINISHED_CHECKOUT).update(
        state=CheckoutState.EXPIRED
    )


@transaction.atomic
def _new_row(customer: Customer, wanted: Wanted) -> Checkout:
    """Make the row, unless its request was paid or canceled since."""
    if wanted.request:
        rows = PaymentRequest.objects.select_for_update().payable()
        if not rows.filter(pk=wanted.request.pk).exists():
            raise CheckoutError("This payment request can't be paid any more. Nothing was charged.")
    return Checkout.objects.create(
        customer=customer,
        user_id=customer.user_id,
        purpose=wanted.purpose,
        request=wanted.request,
        **wanted.terms,
    )


def _still_open(row: Checkout, wanted: Wanted) -> bool:
    """Whether the row's session can still be paid, on today's terms; close the row if not.

    Raises:
        AlreadyPaid: it was paid a moment ago.
    """
    session = gateway.read_checkout(row.session_id)
    if session.status == CheckoutState.COMPLETE:
        raise wanted.already
    is_open = session.status == CheckoutState.OPEN
    if is_open and wanted.is_for(row):
        return True
    if is_open:
        gateway.expire_checkout(row.session_id)
    _close(row)
    return False


def _open_session(row: Checkout, customer: Customer, wanted: Wanted) -> str:
    """Make the row's session. On failure the row goes: nobody knows that session's address."""
    try:
        session = wanted.open_session(row, customer)
    except gateway.StripeError:
        Checkout.objects.filter(pk=row.pk, state=CheckoutState.STARTING).delete()
        raise
    saved = Checkout.objects.filter(pk=row.pk, state__in=UNFINISHED_CHECKOUT).update(
        session_id=session.id,
        url=session.url,
        expires_at=session.expires_at,
        state=CheckoutState.OPEN,
    )
    if not saved:
        raise CheckoutError(ANOTHER_TAB)
    return session.url


def key_of(row: Checkout) -> str:
    """Return the idempotency key of a row's session."""
    made = (settings.PORTAL_URL, row.created_at.isoformat())
    return idempotency.key("checkout", row.pk, about=made)


def _request(row: Checkout, plan: Plan, customer: Customer) -> gateway.CheckoutRequest:
    """Describe the session. The trial is for people who never were members."""
    is_new = not Subscription.objects.for_user(customer.user).memberships().exists()
    here = settings.PORTAL_URL
    back = here + reverse("billing:checkout-return")
    return gateway.CheckoutRequest(
        key=key_of(row),
        customer_id=customer.stripe_id,
        user_id=customer.user_id,
        price_id=plan.stripe_id,
        trial_days=plan.trial_days if is_new else 0,
        takes_codes=settings.STRIPE_PROMOTION_CODES,
        success_url=back + "?session_id={CHECKOUT_SESSION_ID}",
        cancel_url=here + reverse("billing:membership") + "?canceled=1",
    )

"""Use cases: a member pays once on Stripe Checkout, or buys the membership there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core import idempotency
from billing.core.statuses import (
    UNFINISHED_CHECKOUT,
    CheckoutState,
    Purpose,
)
from billing.facts import memberships, payers, plans, zelle
from billing.membership import trial_days
from billing.models import Checkout, Customer, PaymentRequest, Plan, Subscription
from billing.models.locks import lock_member
from billing.stripe import failures, gateway
from billing.stripe.snapshots import CheckoutSnapshot
from billing.sync import account_setup, catalog, refresh, writing
from common.context import current_brand
from common.links import portal_url

logger = logging.getLogger(__name__)


ANOTHER_TAB = gettext_lazy(
    "You also started paying in another tab or window. Nothing was charged here. Continue there, "
    "or try again in a moment."
)


MEMBER_ALREADY = gettext_lazy("You’re already a member.")
PAID_BY_ZELLE = gettext_lazy(
    "We have your Zelle payment. Your membership starts once it’s confirmed."
)
TRIAL_GONE = gettext_lazy(
    "The free trial is for new members, and this email address had a membership before. "
    "Nothing was charged. You can still subscribe without the trial."
)
# Another tab may get ahead of us, but not forever.
MOST_TRIES = 4


class CheckoutError(Exception):
    """The purchase can't continue; the text is for the member."""


class TrialGone(CheckoutError):
    """The page offered a trial, but the member has already had one."""


class AlreadyPaid(CheckoutError):
    """The member has paid for this, or is about to."""


class AlreadyMember(AlreadyPaid):
    """The member has the membership, or has just paid for it."""


@dataclass(frozen=True)
class Wanted:
    """What should be paid: the columns of its `Checkout`, and how to make its session.

    `already` is raised if the member has just paid for it.
    """

    purpose: Purpose
    terms: Mapping[str, Any]
    open_session: Callable[[Checkout, Customer], CheckoutSnapshot]
    already: AlreadyPaid
    request: PaymentRequest | None = None

    def is_for(self, row: Checkout) -> bool:
        """Whether a row has these exact terms."""
        return all(getattr(row, column) == term for column, term in self.terms.items())

    def fits(self, row: Checkout, customer: Customer) -> bool:
        """Whether a row has these exact terms and the customer that pays now."""
        return self.is_for(row) and row.customer_id == customer.pk

    @property
    def unfinished(self) -> dict[str, Any]:
        """The columns that find its one unfinished row."""
        return {
            "purpose": self.purpose,
            "request": self.request,
            "state__in": UNFINISHED_CHECKOUT,
        }


@dataclass(frozen=True)
class Return:
    """The status of a member who returns from Checkout."""

    paid: bool
    known: bool


def start_membership(user: User, price_id: str = "", *, expects_trial: bool = False) -> str:
    """Return the address of the Checkout page that starts the membership.

    `price_id` is one of the prices on sale, or empty for the first. Two clicks or two tabs lead to
    the same page, which can be paid only once; another price replaces it. With `expects_trial`, the
    member was offered a trial, and isn't sent to a page without one.

    Raises:
        TrialGone: for them it begins with a payment.
        AlreadyMember: there's a live subscription, or a payment waiting for its webhook.
        CheckoutError: Stripe couldn't be asked, or nothing is on sale. No row is left half made.
    """
    with in_sentences():
        plan = chosen_plan(price_id)
        refuse_if_member(user)
        free_days = trial_days.of(user, plan)
        if expects_trial and free_days < plan.trial_days:
            raise TrialGone(TRIAL_GONE)
        wanted = Wanted(
            purpose=Purpose.MEMBERSHIP,
            terms={"price_id": plan.stripe_id, "trial_days": free_days},
            open_session=lambda row, payer: gateway.create_checkout(_request(row, plan, payer)),
            already=AlreadyMember(_("You just paid. Your membership is being confirmed.")),
        )
        return page_of(user, wanted)


@contextmanager
def in_sentences() -> Iterator[None]:
    """Turn Stripe's errors into sentences for the member.

    Raises:
        CheckoutError: instead of the gateway's errors.
    """
    try:
        yield
    except gateway.StripeError as error:
        failures.note(logger, error, "A checkout could not start")
        words = failures.sentence(error, so_far=_("Nothing was charged."))
        raise CheckoutError(words) from error
    except writing.UnknownCustomer as error:
        logger.exception("A member's own customer at Stripe is not theirs.")
        raise CheckoutError(
            _(
                "Something is wrong on our side, so this isn’t possible right now. Nothing was "
                "charged. Please write to %(support)s."
            )
            % {"support": current_brand().support_email}
        ) from error


def page_of(user: User, wanted: Wanted) -> str:
    """Return the address of the one Checkout page where the member can pay this.

    If their customer was deleted at Stripe, a new one replaces it.

    Raises:
        AlreadyPaid: it was paid a moment ago.
        gateway.StripeError: Stripe couldn't be asked. No row is left half made.
    """
    customer = customer_of(user)
    try:
        return _page(customer, wanted)
    except gateway.StripeMissing:
        if not refresh.sync_customer(customer.stripe_id).deleted_at_stripe:
            raise
    return _page(customer_of(user), wanted)


def returned(user: User, session_id: str) -> Return:
    """Record that a member came back from Checkout, and return whether they paid.

    Stripe is asked once; if it can't be reached, the webhook will tell.
    """
    row = Checkout.objects.for_user(user).filter(session_id=session_id).first()
    if not session_id or row is None:
        return Return(paid=False, known=False)
    if row.state in (CheckoutState.COMPLETE, CheckoutState.PROCESSING) or row.returned_at:
        return Return(paid=True, known=True)
    try:
        paid = gateway.read_checkout(session_id).status == CheckoutState.COMPLETE
    except gateway.StripeError as error:
        failures.note(logger, error, "Could not ask whether a checkout was paid")
        return Return(paid=True, known=True)
    if paid:
        Checkout.objects.filter(pk=row.pk).update(returned_at=timezone.now())
    return Return(paid=paid, known=True)


def card_page(user: User, subscription_pk: int | None = None) -> str:
    """Return the address of Stripe's page for changing the card.

    It's for one of their subscriptions, or for the membership.

    Raises:
        CheckoutError: Stripe couldn't be asked, or the member has never paid for anything.
    """
    customer = _payer_of(user, subscription_pk) if subscription_pk else payers.living(user)
    if customer is None:
        raise CheckoutError(_("There’s no card to change yet. You can add one when you pay."))
    back = portal_url("billing:membership")
    try:
        address = gateway.create_portal_session(customer.stripe_id, back)
    except gateway.StripeMissing as error:
        _look_again(customer)
        raise CheckoutError(
            _("Your card is no longer on file. You can add one the next time you pay.")
        ) from error
    except gateway.PortalNotSetUp as error:
        logger.exception("Nobody can change a card: the customer portal is not set up at Stripe.")
        account_setup.portal_is_missing()
        raise CheckoutError(
            _("You can’t change your card online yet. Please write to %(support)s.")
            % {"support": current_brand().support_email}
        ) from error
    except gateway.StripeError as error:
        failures.note(logger, error, "The card page could not be opened")
        raise CheckoutError(failures.sentence(error)) from error
    account_setup.portal_is_there()
    return address


def _look_again(customer: Customer) -> None:
    """Read a customer missing at Stripe: it's deleted, or unknown if from another account."""
    try:
        refresh.sync_customer(customer.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "A customer of ours could not be read")


def _payer_of(user: User, subscription_pk: int) -> Customer | None:
    rows = Customer.objects.filter(user=user, deleted_at_stripe=False)
    return rows.filter(subscriptions=subscription_pk).first()


def chosen_plan(price_id: str = "") -> Plan:
    """Return the price on sale with this ID, or the first; read it from Stripe if it's new.

    Raises:
        CheckoutError: no price is configured, or this one is not for sale.
    """
    ids = plans.price_ids()
    if not ids:
        raise CheckoutError(_("The membership isn’t on sale yet."))
    wanted = price_id or ids[0]
    if wanted not in ids:
        raise CheckoutError(_("This price isn’t available anymore. Please choose again."))
    plan = Plan.objects.filter(stripe_id=wanted).first() or catalog.sync_plan(wanted)
    if not plan.active:
        raise CheckoutError(_("The membership isn’t on sale right now."))
    return plan


def customer_of(user: User) -> Customer:
    """Return the user's customer that pays next; make one at Stripe if there's none.

    The last deleted one is part of the request's idempotency key. Otherwise Stripe would return
    that one again; this way, each retry gets the same new customer.
    """
    for _try in range(MOST_TRIES):
        if customer := payers.living(user):
            return customer
        gone = Customer.objects.filter(user=user).order_by("-pk").first()
        made = gateway.create_customer(
            user.pk,
            user.email,
            user.get_full_name(),
            user.member.language,
            after=gone.stripe_id if gone else "",
        )
        refresh.sync_customer(made.id)
    raise gateway.StripeRefused(f"Each new customer of user {user.pk} is deleted at once.")


def refuse_if_member(user: User) -> None:
    """Refuse a second membership; ask Stripe too, since a webhook may be on its way.

    Raises:
        AlreadyMember: they have one, or have just paid for it.
        gateway.StripeError: Stripe couldn't be asked.
    """
    if not memberships.live(user):
        rows = Subscription.objects.for_user(user)
        known = set(rows.values_list("stripe_id", flat=True))
        for customer in Customer.objects.filter(user=user, deleted_at_stripe=False):
            for missing in set(_subscription_ids(customer)) - known:
                refresh.sync_subscription(missing)
    if memberships.live(user):
        raise AlreadyMember(MEMBER_ALREADY)
    if zelle.pays_membership(user):
        raise AlreadyMember(PAID_BY_ZELLE)


def _subscription_ids(customer: Customer) -> list[str]:
    """Return a customer's subscriptions at Stripe; a deleted customer has none."""
    try:
        return gateway.subscription_ids(customer.stripe_id)
    except gateway.StripeMissing:
        refresh.sync_customer(customer.stripe_id)
        return []


def _page(customer: Customer, wanted: Wanted) -> str:
    for _try in range(MOST_TRIES):
        row = _row_to_pay(customer, wanted)
        if not row.session_id:
            return _open_session(row, customer, wanted)
        if not wanted.fits(row, customer):
            close(row, wanted.already)
        elif _still_open(row, wanted):
            return row.url
    raise CheckoutError(ANOTHER_TAB)


@transaction.atomic
def _row_to_pay(customer: Customer, wanted: Wanted) -> Checkout:
    """Return the member's one unfinished checkout for this, or a new row, under their lock.

    A row with other terms whose session is still being made is closed: the process making that
    session finds its row gone, and ends it at Stripe.
    """
    lock_member(customer.user_id)
    if wanted.purpose == Purpose.MEMBERSHIP and memberships.live(customer.user):
        raise AlreadyMember(MEMBER_ALREADY)
    if wanted.purpose == Purpose.MEMBERSHIP and zelle.pays_membership(customer.user):
        raise AlreadyMember(PAID_BY_ZELLE)
    row = Checkout.objects.filter(user=customer.user_id, **wanted.unfinished).first()
    if row and (row.session_id or wanted.fits(row, customer)):
        return row
    if row:
        Checkout.objects.filter(pk=row.pk).update(state=CheckoutState.EXPIRED)
    return _new_row(customer, wanted)


def _new_row(customer: Customer, wanted: Wanted) -> Checkout:
    """Make the row, unless its request was paid or canceled in the meantime."""
    if wanted.request:
        rows = PaymentRequest.objects.select_for_update().payable()
        if not rows.filter(pk=wanted.request.pk).exists():
            raise CheckoutError(
                _("This payment request can’t be paid anymore. Nothing was charged.")
            )
    return Checkout.objects.create(
        customer=customer,
        user_id=customer.user_id,
        purpose=wanted.purpose,
        request=wanted.request,
        is_taxed=settings.STRIPE_TAX,
        **wanted.terms,
    )


def close(row: Checkout, paid: Exception) -> None:
    """Close an unfinished row and its session, so it can no longer be paid.

    Raises:
        paid: it was paid a moment ago.
        gateway.StripeError: Stripe couldn't be asked; the row is unchanged.
    """
    if row.session_id and not _expire(row.session_id):
        raise paid
    with transaction.atomic():
        lock_member(row.user_id)
        rows = Checkout.objects.filter(pk=row.pk, session_id=row.session_id)
        rows.filter(state__in=UNFINISHED_CHECKOUT).update(state=CheckoutState.EXPIRED)


def _expire(session_id: str) -> bool:
    """End a session at Stripe; return False if it had already been paid."""
    try:
        gateway.expire_checkout(session_id)
    except (gateway.StripeMissing, gateway.StripeRefused):
        return gateway.read_checkout(session_id).status != CheckoutState.COMPLETE
    return True


def _still_open(row: Checkout, wanted: Wanted) -> bool:
    """Whether the row's session can still be paid; close the row if not.

    Raises:
        AlreadyPaid: it was paid a moment ago.
    """
    session = gateway.read_checkout(row.session_id)
    if session.status == CheckoutState.COMPLETE:
        raise wanted.already
    if session.status == CheckoutState.OPEN:
        return True
    close(row, wanted.already)
    return False


def _open_session(row: Checkout, customer: Customer, wanted: Wanted) -> str:
    """Make the row's session. On failure, delete the row: nobody knows the session's address.

    A session that lost its row in the meantime is ended at Stripe, and its address isn't used.
    """
    try:
        session = wanted.open_session(row, customer)
    except gateway.StripeError:
        starting = Checkout.objects.filter(pk=row.pk, state=CheckoutState.STARTING)
        starting.filter(session_id="").delete()
        raise
    with transaction.atomic():
        lock_member(row.user_id)
        rows = Checkout.objects.filter(pk=row.pk, session_id__in=["", session.id])
        saved = rows.filter(state__in=[CheckoutState.STARTING, CheckoutState.OPEN]).update(
            session_id=session.id,
            url=session.url,
            expires_at=session.expires_at,
            state=CheckoutState.OPEN,
        )
    if not saved:
        try:
            _expire(session.id)
        except gateway.StripeError as error:
            failures.note(logger, error, f"The session {session.id} of no row could not be ended")
        raise CheckoutError(ANOTHER_TAB)
    return session.url


def key_of(row: Checkout) -> str:
    """Return the idempotency key of a row's session."""
    made = (settings.PORTAL_URL, row.created_at.isoformat())
    return idempotency.key("checkout", row.pk, about=made)


def _request(row: Checkout, plan: Plan, customer: Customer) -> gateway.CheckoutRequest:
    """Describe the session of a membership."""
    here = settings.PORTAL_URL
    back = here + reverse("billing:checkout-return")
    return gateway.CheckoutRequest(
        key=key_of(row),
        customer_id=customer.stripe_id,
        user_id=customer.user_id,
        price_id=plan.stripe_id,
        trial_days=row.trial_days,
        takes_codes=settings.STRIPE_PROMOTION_CODES,
        is_taxed=row.is_taxed,
        success_url=back + "?session_id={CHECKOUT_SESSION_ID}",
        cancel_url=here + reverse("billing:membership") + "?canceled=1",
    )

"""What the policy must know about a payment: with all of its refunds, and beside one of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from billing.core.statuses import REFUND_AT_STRIPE, REFUND_VOID, DisputeStatus, RefundState
from billing.models import Payment, Refund
from billing.refunds import terms
from billing.tests import factories

pytestmark = pytest.mark.django_db


def refund(payment: Payment, state: RefundState, amount: int) -> Refund:
    """Return a refund of a payment that Stripe counts, if it has it."""
    is_at_stripe = state in REFUND_AT_STRIPE
    if is_at_stripe and state not in REFUND_VOID:
        payment.amount_refunded += amount
        payment.save()
    known: dict[str, Any] = {"stripe_id": f"re_{state}_{amount}"} if is_at_stripe else {}
    return Refund.objects.create(
        payment=payment, customer=payment.customer, currency="usd", origin="member", state=state,
        amount=amount, amount_asked=amount, created_at=timezone.now(), **known,
    )  # fmt: skip


@pytest.mark.parametrize("lost", [0, 2500, 9000])
@pytest.mark.parametrize("state", RefundState)
def test_beside_a_refund_is_what_was_known_before_it(state: RefundState, lost: int) -> None:
    payment = factories.make_payment(amount=9000)
    refund(payment, RefundState.PENDING, 1000)
    refund(payment, RefundState.APPROVED, 700)
    if lost:
        factories.make_dispute(payment, status=DisputeStatus.LOST, amount=lost)
    before = terms.facts_of(payment)
    row = refund(payment, state, 500)
    assert terms.facts_beside(row) == before
    held = 0 if state in REFUND_VOID else 500
    assert terms.facts_of(payment).committed == before.committed + held

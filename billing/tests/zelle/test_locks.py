"""Money by Zelle and refunds at the same moment, on real connections: nobody waits in a circle."""

from __future__ import annotations

import time
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from billing.core.bank_statuses import ExpectedState
from billing.core.statuses import RefundState
from billing.models import BankFile, Payment, Refund
from billing.models.locks import lock_member
from billing.refunds import by_zelle
from billing.refunds import service as refunds
from billing.tests import factories
from billing.tests.refund_world import approver, policy, refund_request
from billing.tests.zelle.bank import Money, expect, file_of, make_account
from billing.tests.zelle.world import make_terms
from billing.zelle import importing
from testing.own_database import at_once


@pytest.fixture(autouse=True)
def _own(own_database: None, settings: Any) -> None:
    settings.LEDGER_HEADS_FILE = ""
    make_terms()
    policy(automatic_up_to=0)


def paid_by_zelle(user: User) -> Payment:
    expect(user, state=ExpectedState.CONFIRMED)
    customer = factories.make_customer(user)
    return factories.make_payment(customer=customer, card_brand="zelle")


@pytest.mark.slow
def test_a_file_that_proves_refunds_waits_for_no_member_who_waits_for_the_ledger() -> None:
    alice, bob = factories.make_member("Alice Archer"), factories.make_member("Bob Baker")
    mia, today = approver("Mia Manager", large=True), timezone.now().date()
    sent = []
    for number, user in enumerate((alice, bob)):
        row = refunds.give(paid_by_zelle(user).pk, mia, refund_request(100))
        by_zelle.mark_sent(row.pk, mia, f"3000000000{number}")
        sent.append(row.pk)
    account, holds = make_account(), Event()
    moved = [Money(one, -100, f"3000000000{at}", on=today) for at, one in enumerate(("A", "B"))]
    payment = Payment.objects.get(customer__user=bob)

    def ask() -> Refund:
        with transaction.atomic():
            lock_member(bob.pk)
            holds.set()
            time.sleep(1)
            return refunds.request(bob, payment.pk, refund_request(100))

    def import_file() -> BankFile:
        holds.wait(10)
        return importing.store(account, "a.csv", file_of(moved[::-1]), None)

    outcomes = at_once([ask, import_file])
    assert [type(one) for one in outcomes] == [Refund, BankFile], outcomes
    states = Refund.objects.filter(pk__in=sent).values_list("state", flat=True)
    assert set(states) == {RefundState.SUCCEEDED}

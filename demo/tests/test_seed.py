"""The demo's world: who can sign in, and which payment waits for staff."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from billing.models import FraudWarning
from billing.tests.life import deliver, know_the_plan
from conftest import Sandbox
from demo import seed

pytestmark = pytest.mark.django_db


def test_each_role_can_sign_in() -> None:
    rows = seed._make_staff(timezone.now())
    assert [row["role"] for row in rows] == [
        *("Staff (owner)", "Staff (support)", "Staff (billing)", "Staff (finance)")
    ]
    finance = User.objects.get(email=rows[3]["email"])
    assert finance.check_password(rows[3]["password"])
    assert finance.has_perm("billing.view_fraudwarning")
    assert not finance.is_superuser


@pytest.mark.slow
def test_one_payment_is_reported_as_fraud(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_YEARLY_PRICE_ID", "")
    know_the_plan(sandbox)
    [(name, _, card, _, texts)] = [one for one in seed.PEOPLE if one[2] == seed.REPORTED]
    seed._joining(seed.Sandbox(sandbox.url), name, timezone.now(), card, texts=texts)()
    sandbox.control("clock", advance_seconds=86_400)
    deliver(sandbox.events())
    assert [one.customer.user.get_full_name() for one in FraudWarning.objects.to_settle()] == [name]

"""Staff finalize or discard the drafts that a pause of payments left behind."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from billing.membership import pausing
from billing.membership.pausing import Pause
from billing.models import Invoice, Subscription
from billing.payments import by_staff
from billing.tests import factories
from billing.tests.life import deliver, paid_member
from billing.tests.staff_world import auditor, signed_in_now, support
from common.staff import show
from conftest import Sandbox
from emails.models import Message
from testing.made_once import made_once

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@made_once
def with_draft(sandbox: Sandbox) -> User:
    """Return a member whose second month was kept as a draft."""
    user = paid_member(sandbox)
    pausing.pause(Subscription.objects.get(), Pause(), Pause("keep_as_draft"), support())
    sandbox.control("clock", advance="renewal")
    deliver(sandbox.events())
    return user


def draft() -> Invoice:
    return Invoice.objects.latest("created_at")


def press(client: Client, button: str) -> str:
    url = reverse(f"admin:billing_invoice_{button}", args=[draft().pk])
    answer: Any = client.post(url, {"_form_submitted": "on"}, follow=True)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def test_a_draft_is_finalized_and_then_charged(sandbox: Sandbox) -> None:
    user, desk = with_draft(sandbox), signed_in_now(support())
    assert draft().is_kept_draft
    page = unescape(desk.get(show.page_of(user)).content.decode())
    assert "Draft of $29.00" in page
    assert "Discard draft" in page
    assert "Finalized it. The invoice is open now." in press(desk, "finalize")
    assert draft().number
    sandbox.control("clock", advance_seconds=7200)
    deliver(sandbox.events())
    assert (draft().status, draft().amount_paid) == ("paid", 2900)
    assert Message.objects.filter(user=user, kind="payment_received").exists()
    assert LogEntry.objects.filter(change_message="Finalized it.").exists()
    # The other tab.
    url = reverse("admin:billing_invoice_finalize", args=[draft().pk])
    assert desk.post(url, {"_form_submitted": "on"}).status_code == 403


def test_a_draft_is_discarded_and_nobody_is_asked_for_it(sandbox: Sandbox) -> None:
    user, desk = with_draft(sandbox), signed_in_now(support())
    before = Message.objects.filter(user=user).count()
    assert "Discarded it. The invoice is void now." in press(desk, "discard")
    deliver(sandbox.events())
    assert draft().status == "void"
    assert Message.objects.filter(user=user).count() == before
    with pytest.raises(by_staff.SettleError, match="no draft"):
        by_staff.finalize(draft(), support())


def test_a_draft_that_credit_would_pay_is_not_discarded(sandbox: Sandbox) -> None:
    with_draft(sandbox)
    Subscription.objects.update(balance=-5000)
    with pytest.raises(by_staff.SettleError, match="counts as paid"):
        by_staff.discard(draft(), support())
    assert draft().status == "draft"


def test_stripe_away_changes_nothing(sandbox: Sandbox) -> None:
    with_draft(sandbox)
    desk = signed_in_now(support())
    sandbox.control("switches", api_fail=1)
    assert "Finalized it." not in press(desk, "finalize")
    sandbox.control("switches", api_fail=0)
    assert "Finalized it." in press(desk, "finalize")


def test_it_takes_the_permission_and_a_kept_draft() -> None:
    row = factories.make_invoice(
        status="draft", auto_advance=False, subscription=factories.make_subscription()
    )
    for act in (by_staff.finalize, by_staff.discard):
        with pytest.raises(PermissionDenied):
            act(row, auditor())
    # One in its first hour is Stripe's to open; one without a subscription was made by hand.
    assert row.is_kept_draft
    for fields in ({"auto_advance": True}, {"subscription": None}, {"status": "open"}):
        kept: dict[str, Any] = {"status": "draft", "auto_advance": False}
        kept["subscription"] = row.subscription
        assert not factories.make_invoice(**kept | fields).is_kept_draft

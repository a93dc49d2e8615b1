"""Compare with Stripe, and repair by reading again."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from billing import tasks
from billing.models import Customer, Invoice, Payment, Reconciliation, Subscription
from billing.stripe import gateway
from billing.stripe.gateway import lists
from billing.tests import factories
from billing.tests.inbound.test_events import full_life, messages, rows
from billing.tests.life import deliver, paid_member, sign_up, subscribe
from billing.tests.staff_world import support
from common.staff import show
from conftest import Sandbox, run_jobs
from emails.models import Message
from testing import thorough
from testing.thorough import examples

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
# What may be damaged, and into what.
DAMAGE: dict[Any, dict[str, Any]] = {
    Customer: {"email": "x@example.com", "name": "X", "deleted_at_stripe": True},
    Subscription: {"status": "paused", "amount": 1, "current_period_end": LONG_AGO},
    Invoice: {"status": "void", "total": 1, "lines": [], "paid_at": None, "subscription": None},
    Payment: {"status": "canceled", "amount_received": 7, "card_last4": "0000", "invoice": None},
}


def run(*arguments: str) -> tuple[str, bool]:
    """Run the command; return what it printed and whether all was well."""
    printed = StringIO()
    try:
        call_command("reconcile", *arguments, stdout=printed)
    except CommandError as error:
        return f"{printed.getvalue()}{error}", False
    return printed.getvalue(), True


@pytest.mark.slow
def test_an_untouched_copy_agrees(sandbox: Sandbox) -> None:
    for name in ("Alice Archer", "Bob Baker"):
        paid_member(sandbox, name)
    printed, is_well = run()
    assert is_well
    assert "2 of 2 agree" in printed
    assert Reconciliation.objects.latest("pk").compared_at


def test_a_difference_is_named_with_both_values_and_changes_nothing(sandbox: Sandbox) -> None:
    for name in ("Alice Archer", "Bob Baker"):
        paid_member(sandbox, name)
    invoice = Invoice.objects.all()[0]
    Invoice.objects.filter(pk=invoice.pk).update(status="open")
    printed, is_well = run()
    assert not is_well
    name = f"Invoice {invoice.number} of {invoice.customer} ({invoice.stripe_id})"
    assert f"{name}, status: Open here, Paid at Stripe" in printed
    assert "1 of 2 agree" in printed
    invoice.refresh_from_db()
    assert invoice.status == "open"
    assert Reconciliation.objects.latest("pk").differences == [
        {
            "customer": invoice.customer.stripe_id,
            "object": "invoice",
            "id": invoice.stripe_id,
            "field": "status",
            "ours": "open",
            "stripe": "paid",
        }
    ]


@thorough.MARK
def test_any_loss_and_damage_of_rows_is_repaired(sandbox: Sandbox) -> None:
    full_life(sandbox)
    events = sandbox.events()
    deliver(events)
    run()
    expected = (rows(), messages())
    at_stripe = len(sandbox.events())

    @hypothesis_settings(
        max_examples=examples(few=2, many=10),
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        seed=st.integers(0, 2**32),
        lost=st.floats(0, 1),
        damaged=st.floats(0, 1),
        draft=st.booleans(),
    )
    def faults(seed: int, lost: float, damaged: float, draft: bool) -> None:
        chance = random.Random(seed)
        lose(chance, lost)
        damage(chance, damaged)
        if draft and Customer.objects.exists():
            factories.make_invoice(
                Customer.objects.get(), status="draft", paid_at=None, read_at=LONG_AGO
            )
        printed, is_well = run("--repair")
        assert is_well, printed
        assert rows() == expected[0]
        assert messages() == expected[1]
        assert len(sandbox.events()) == at_stripe, "Stripe was written to."
        assert "1 of 1 agree" in printed

    faults()


def lose(chance: random.Random, share: float) -> None:
    """Delete rows at random, those that others lead to only with them."""
    for model in (Payment, Invoice, Subscription):
        for row in model._default_manager.order_by("stripe_id"):
            is_needed = (isinstance(row, Invoice) and row.payments.exists()) or (
                isinstance(row, Subscription) and row.invoices.exists()
            )
            if chance.random() < share and not is_needed:
                row.delete()
    if not (Payment.objects.exists() or Invoice.objects.exists() or Subscription.objects.exists()):
        # Only Stripe's metadata still says whose they were.
        Customer.objects.all().delete()


def damage(chance: random.Random, share: float) -> None:
    """Write nonsense into columns at random."""
    for model, values in DAMAGE.items():
        for row in model._default_manager.order_by("stripe_id"):
            wrong = {name: value for name, value in values.items() if chance.random() < share}
            if wrong:
                model._default_manager.filter(pk=row.pk).update(**wrong)


def test_a_row_of_another_account_is_reported_and_kept(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    stranger = factories.make_invoice(Customer.objects.get(), read_at=LONG_AGO)
    printed, is_well = run("--repair")
    assert not is_well
    assert f"({stranger.stripe_id}): In our records. Not found at Stripe." in printed
    assert Invoice.objects.filter(pk=stranger.pk).exists()


@pytest.mark.slow
def test_a_customer_deleted_at_stripe_is_noticed(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    sandbox.stripe.v1.customers.delete(Customer.objects.get().stripe_id)
    printed, is_well = run()
    assert not is_well
    assert "deleted at stripe: No here, Yes at Stripe" in printed
    assert run("--repair")[1]
    assert Customer.objects.get().deleted_at_stripe


def test_repair_of_what_is_long_past_sends_nothing(sandbox: Sandbox) -> None:
    sandbox.control("clock", set=1_760_000_000)
    subscribe(sandbox, sign_up())
    assert Subscription.objects.count() == 0
    assert run("--repair")[1]
    assert Subscription.objects.count() == 1
    assert Message.objects.count() == 0


def test_what_is_read_while_we_compare_is_left_out(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    Invoice.objects.update(status="open", read_at=timezone.now() + timedelta(days=36_500))
    assert run()[1]


@pytest.mark.slow
def test_stripe_away_is_recorded(sandbox: Sandbox, settings: Settings) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    assert not run()[1]
    assert Reconciliation.objects.latest("pk").error


@pytest.mark.slow
def test_the_nightly_comparison_repairs_nothing(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    Invoice.objects.update(total=1)
    tasks.compare_with_stripe(0)
    assert Reconciliation.objects.latest("pk").differences_left == 1
    tasks.repair_from_stripe()
    latest = Reconciliation.objects.latest("pk")
    assert (latest.differences_found, latest.differences_left) == (1, 0)
    assert latest.summary == "1 of 1 agree, 1 repaired"


@pytest.mark.slow
def test_staff_compare_repair_and_read_the_report(sandbox: Sandbox) -> None:
    paid_member(sandbox)
    Invoice.objects.update(total=1)
    client = Client()
    client.force_login(support())
    for button in ("compare", "repair"):
        url = reverse(f"admin:billing_reconciliation_{button}_now")
        client.post(url, {"_form_submitted": "on"})
        run_jobs()
        report = Reconciliation.objects.latest("pk")
        page = client.get(
            reverse("admin:billing_reconciliation_change", args=[report.pk])
        ).content.decode()
        invoice = Invoice.objects.get()
        assert (
            f'<a href="{show.page_of(invoice)}" class="text-link">Invoice {invoice.number}' in page
        )
        assert 'data-caption="Field">Total</td>' in page
        assert 'data-caption="Here">$0.01</td>' in page
        assert 'data-caption="At Stripe">$29.00</td>' in page
        assert report.summary in page
    assert Invoice.objects.get().total == 2900


def test_what_the_portal_made_at_stripe_and_knows_nothing_of_is_reported(
    sandbox: Sandbox,
) -> None:
    paid_member(sandbox)
    customer: Any = {"email": "lost@example.com", "metadata": {"portal_user": "999999"}}
    lost = sandbox.stripe.v1.customers.create(customer)
    sandbox.stripe.v1.customers.create({"email": "somebody.elses@example.com"})
    printed, is_well = run()
    assert not is_well
    sentence = "Made by this portal, but linked to no record here. Found at Stripe."
    assert f"Customer ({lost.id}): {sentence}" in printed
    assert Reconciliation.objects.latest("pk").differences_left == 1


# Too many requests


class BusyStripe(BaseHTTPRequestHandler):
    """Answers 429 twice, then an empty list."""

    asked = 0

    def do_GET(self) -> None:
        """Count, and answer as Stripe does."""
        type(self).asked += 1
        is_busy = type(self).asked <= 2
        error = {
            "error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Slow"}
        }
        body = error if is_busy else {"object": "list", "data": [], "has_more": False, "url": "/"}
        self.send_response(429 if is_busy else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_arguments: Any) -> None:
        """Stay silent."""


@pytest.fixture
def busy_stripe(settings: Settings) -> Iterator[type[BusyStripe]]:
    BusyStripe.asked = 0
    server = HTTPServer(("127.0.0.1", 0), BusyStripe)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{server.server_port}"
    settings.STRIPE_SECRET_KEY = "sk_test_busy"
    yield BusyStripe
    server.shutdown()
    server.server_close()


def test_a_long_run_waits_when_stripe_is_asked_too_often(
    busy_stripe: type[BusyStripe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "BUSY_WAITS", (0.01, 0.01, 0.01))
    assert list(gateway.list_customers()) == []
    assert busy_stripe.asked == 3


def test_a_job_is_told_to_come_back_later(busy_stripe: type[BusyStripe]) -> None:
    with pytest.raises(gateway.StripeUnavailable):
        gateway.read_invoice("in_1")
    assert busy_stripe.asked == 1

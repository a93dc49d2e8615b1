"""The doctor's checks of Stripe, against the sandbox over HTTP."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from billing.inbound.events import TARGETS
from billing.models import StripeEvent
from billing.stripe import gateway
from billing.stripe.gateway.client import client
from billing.tests.altered_stripe import altered
from conftest import Sandbox
from portal.doctor import stripe_checks
from portal.models import Outcome

URL = "https://portal.example.com/billing/webhook/"
OK, WARN, FAIL, UNKNOWN = Outcome.OK, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN


@pytest.fixture(autouse=True)
def _portal(sandbox: Sandbox, settings: Settings) -> None:
    settings.PORTAL_URL = "https://portal.example.com"
    settings.DEVELOPMENT = False
    settings.STRIPE_TIMEOUT_SECONDS = 5.0


def test_a_test_key_is_named_and_a_wrong_one_refused(settings: Settings) -> None:
    found = stripe_checks.key()
    assert (found.outcome, "“Sandbox”, in test mode" in found.text) == (WARN, True)
    settings.DEVELOPMENT = True
    assert stripe_checks.key().outcome == OK
    settings.STRIPE_SECRET_KEY = "sk_live_0123456789wrong"
    found = stripe_checks.key()
    assert found.outcome == FAIL
    assert "sk_live_0123456789wrong" not in found.text
    settings.STRIPE_SECRET_KEY = ""
    assert stripe_checks.key().outcome == FAIL
    assert stripe_checks.account().outcome == UNKNOWN


def test_what_the_account_lacks(sandbox: Sandbox, settings: Settings) -> None:
    assert stripe_checks.account().outcome == OK

    def asked(one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "requirements": {"currently_due": ["business_profile.url"]}}

    def off(one: dict[str, Any]) -> dict[str, Any]:
        why = {"disabled_reason": "requirements.past_due", "past_due": ["external_account"]}
        return {**one, "payouts_enabled": False, "requirements": why}

    with altered(sandbox, settings, asked):
        found = stripe_checks.account()
    assert (found.outcome, "business_profile.url" in found.text) == (WARN, True)
    with altered(sandbox, settings, off):
        found = stripe_checks.account()
    assert (found.outcome, found.text) == (
        FAIL,
        "The account can’t pay out. Stripe’s reason: requirements.past_due.",
    )


@pytest.mark.parametrize(
    ("look", "outcome", "says"),
    [
        ({"icon": None, "logo": "file_1", "primary_color": "#112233"}, OK, "picture and color"),
        ({"icon": None, "logo": None, "primary_color": "#112233"}, WARN, "have no logo or icon of"),
        ({"icon": "file_1", "logo": None, "primary_color": None}, WARN, "have no brand color of"),
        ({"icon": None, "logo": None, "primary_color": None}, WARN, "icon and no brand color"),
        (None, UNKNOWN, "doesn’t tell how its pages look"),
    ],
)
def test_how_stripes_own_pages_look(
    sandbox: Sandbox,
    settings: Settings,
    look: dict[str, Any] | None,
    outcome: Outcome,
    says: str,
) -> None:
    assert stripe_checks.branding().outcome == OK

    def looks(one: dict[str, Any]) -> dict[str, Any]:
        if one.get("object") != "account":
            return one
        return {**one, "settings": {**one["settings"], "branding": look}}

    with altered(sandbox, settings, looks):
        found = stripe_checks.branding()
    assert (found.outcome, says in found.text) == (outcome, True)


def test_what_a_restricted_key_may_not_read(settings: Settings) -> None:
    assert stripe_checks.permissions().outcome == OK
    settings.STRIPE_SECRET_KEY = "rk_test_sandbox"
    assert stripe_checks.permissions().outcome == OK
    settings.STRIPE_SECRET_KEY = "rk_test_sandbox_not_radar_not_balance_transactions"
    found = stripe_checks.permissions()
    assert found.outcome == FAIL
    assert "everything: Balance transactions, Early fraud warnings." in found.text
    settings.STRIPE_SECRET_KEY = "rk_test_sandbox_not_balance"
    assert stripe_checks.permissions().text.endswith("everything: Balance.")
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    assert stripe_checks.permissions().outcome == UNKNOWN


def test_each_kind_of_object_that_we_read_has_a_permission() -> None:
    """Whoever reads another kind adds it to the doctor's list."""
    folder = Path(gateway.__file__).parent
    reading = re.compile(r"v1\.([a-z_]+(?:\.[a-z_]+)?)\.(?:list|retrieve)\b")
    read = {name for file in folder.glob("*.py") for name in reading.findall(file.read_text())}
    asked = set(reading.findall((folder / "permissions.py").read_text()))
    covered = {"tax.settings", "billing_portal.configurations"}  # by other checks
    parts = {
        "customers.tax_ids",
        "invoice_payments",
        "payment_methods",
        "subscription_items",
        "refunds",
    }
    assert read - asked == covered | parts


def test_the_endpoint(settings: Settings) -> None:
    assert stripe_checks.webhook().outcome == FAIL
    made = gateway.create_endpoint(URL, sorted(TARGETS))
    assert stripe_checks.webhook().outcome == OK
    api = client().v1.webhook_endpoints
    api.update(made.id, {"enabled_events": ["*"]})
    assert stripe_checks.webhook().outcome == WARN
    api.update(made.id, {"enabled_events": ["invoice.paid"], "disabled": True})
    found = stripe_checks.webhook()
    assert found.outcome == FAIL
    assert "is disabled" in found.text
    assert "doesn’t send" in found.text
    assert "setup_stripe" in found.remedy
    gateway.create_endpoint(URL, sorted(TARGETS))
    assert "come twice" in stripe_checks.webhook().text
    settings.PORTAL_URL = "http://localhost:8000"
    assert stripe_checks.webhook().outcome == UNKNOWN


@pytest.mark.django_db
def test_only_a_recent_event_proves_the_secret(settings: Settings) -> None:
    assert stripe_checks.secret().outcome == UNKNOWN
    now = timezone.now()
    event = StripeEvent.objects.create(
        stripe_id="evt_1", type="invoice.paid", created_at=now, payload={}
    )
    assert stripe_checks.secret().outcome == OK
    StripeEvent.objects.filter(pk=event.pk).update(received_at=now - timedelta(days=8))
    assert stripe_checks.secret().outcome == UNKNOWN
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert stripe_checks.secret().outcome == FAIL


def test_prices(settings: Settings) -> None:
    settings.STRIPE_YEARLY_PRICE_ID = "price_membership_yearly"
    assert stripe_checks.prices().outcome == OK
    settings.PAYMENT_CURRENCY = "eur"
    assert "is in USD, not EUR" in stripe_checks.prices().text
    settings.PAYMENT_CURRENCY = "usd"
    settings.STRIPE_YEARLY_PRICE_ID = "price_gone"
    assert "price_gone isn’t in this account" in stripe_checks.prices().text
    other = client().v1.products.create({"name": "Other"})
    once = client().v1.prices.create({"product": other.id, "currency": "usd", "unit_amount": 500})
    settings.STRIPE_YEARLY_PRICE_ID = once.id
    found = stripe_checks.prices()
    assert found.outcome == FAIL
    assert "one-time price" in found.text
    assert "different products" in found.text
    settings.STRIPE_PRICE_ID = ""
    assert stripe_checks.prices().outcome == FAIL


def test_the_card_page(sandbox: Sandbox, settings: Settings) -> None:
    assert stripe_checks.card_page().outcome == OK
    sandbox.control("switches", portal_not_set_up=True)
    assert stripe_checks.card_page().outcome == FAIL
    settings.STRIPE_PORTAL_CONFIGURATION = gateway.create_portal().id
    assert stripe_checks.card_page().outcome == OK


def test_tax(sandbox: Sandbox, settings: Settings) -> None:
    assert stripe_checks.tax().outcome == OK
    settings.STRIPE_TAX = True
    assert stripe_checks.tax().outcome == OK
    sandbox.control("switches", tax_inactive=True)
    assert stripe_checks.tax().outcome == FAIL


@pytest.mark.parametrize(("seconds", "outcome"), [(0, OK), (60, WARN), (-3600, FAIL)])
def test_the_clock(seconds: int, outcome: Outcome) -> None:
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        assert stripe_checks.clock().outcome == outcome


def test_without_an_answer_nothing_is_claimed(settings: Settings) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    for check in (stripe_checks.key, stripe_checks.webhook, stripe_checks.clock):
        assert check().outcome == UNKNOWN

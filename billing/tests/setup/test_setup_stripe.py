"""`manage.py setup_stripe` against the sandbox: made once, found again, mended where it's safe."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import stripe
from django.core.management import CommandError, call_command
from pytest_django import Settings

from billing.inbound.events import TARGETS
from billing.stripe import gateway
from billing.stripe.gateway.client import client
from billing.sync import account_setup
from billing.tests.altered_stripe import altered
from conftest import Sandbox

URL = "https://portal.example.com/billing/webhook/"
PRICES = ("--monthly", "19.00", "--yearly", "190.00")


def run(*options: str) -> tuple[str, bool]:
    """Run the command; return what it prints, and whether nothing is left to do."""
    out = StringIO()
    try:
        call_command("setup_stripe", *options, stdout=out, no_color=True)
    except CommandError as error:
        out.write(str(error))
        return out.getvalue(), False
    return out.getvalue(), True


@pytest.fixture
def empty(sandbox: Sandbox, settings: Settings) -> Settings:
    """A new account of Stripe, and a portal with a public address and no prices yet."""
    settings.STRIPE_SECRET_KEY = "sk_test_newshop"
    settings.STRIPE_PRICE_ID = settings.STRIPE_YEARLY_PRICE_ID = ""
    settings.STRIPE_WEBHOOK_SECRETS = []
    settings.PORTAL_URL = "https://portal.example.com"
    return settings


def everything() -> dict[str, Any]:
    """Return all that the account has, without times."""
    api = client().v1
    lists: dict[str, Any] = {
        "products": api.products.list(),
        "prices": api.prices.list(),
        "endpoints": api.webhook_endpoints.list(),
        "portals": api.billing_portal.configurations.list(),
        "coupons": api.coupons.list(),
        "codes": api.promotion_codes.list(),
    }
    return {
        name: [
            {key: value for key, value in one.to_dict().items() if key != "updated"}
            for one in listed.data
        ]
        for name, listed in lists.items()
    }


def test_a_rehearsal_makes_nothing(empty: Settings) -> None:
    before = everything()
    text, _ = run("--dry-run", *PRICES, "--promo-code", "HELLO10")
    assert everything() == before
    assert "Would make: Monthly price: $19.00." in text
    assert "Would make: Yearly price: $190.00." in text
    assert f"Would make: Webhook endpoint: {URL} with {len(TARGETS)} events." in text
    assert "Would make: Promo code: HELLO10, 10% off." in text
    assert "For .env" not in text


def test_the_first_run_makes_all_and_the_second_changes_nothing(empty: Settings) -> None:
    text, is_done = run(*PRICES, "--promo-code", "HELLO10", "--percent-off", "20")
    assert is_done, text
    made = everything()
    endpoint = next(one for one in made["endpoints"] if one["url"] == URL)
    assert sorted(endpoint["enabled_events"]) == sorted(TARGETS)
    assert endpoint["api_version"] == gateway.API_VERSION
    prices = {one["lookup_key"]: one for one in made["prices"] if one["lookup_key"]}
    monthly, yearly = prices["portal_monthly"], prices["portal_yearly"]
    assert (monthly["unit_amount"], monthly["recurring"]["interval"]) == (1900, "month")
    assert (yearly["unit_amount"], yearly["recurring"]["interval"]) == (19000, "year")
    assert monthly["product"] == yearly["product"]
    assert f"STRIPE_PRICE_ID={monthly['id']}\nSTRIPE_YEARLY_PRICE_ID={yearly['id']}" in text
    assert made["codes"][0]["code"] == "HELLO10"
    assert "whsec_" not in text

    again, is_done = run(*PRICES, "--promo-code", "hello10", "--show-secret")
    assert is_done, again
    assert everything() == made
    assert "Made:" not in again
    assert f"STRIPE_PRICE_ID={monthly['id']}" in again
    assert "gives it out only when an endpoint is made" in again

    empty.STRIPE_PRICE_ID, empty.STRIPE_YEARLY_PRICE_ID = monthly["id"], yearly["id"]
    assert run(*PRICES)[1]
    assert everything() == made
    assert gateway.read_plan(monthly["id"]).interval == "month"


def test_the_secret_is_shown_only_if_asked_for(empty: Settings) -> None:
    empty.STRIPE_WEBHOOK_SECRETS = ["whsec_older"]
    text, _ = run(*PRICES, "--show-secret")
    line = next(one for one in text.splitlines() if one.startswith("STRIPE_WEBHOOK_SECRETS="))
    assert line.startswith("STRIPE_WEBHOOK_SECRETS=whsec_older,whsec_")


def test_an_endpoint_is_mended(empty: Settings) -> None:
    run(*PRICES)
    api = client().v1.webhook_endpoints
    ours = next(one for one in api.list().data if one.url == URL)
    api.update(ours.id, {"enabled_events": ["invoice.paid", "charge.captured"], "disabled": True})
    rehearsed, _ = run("--dry-run", *PRICES)
    assert "Would mend: The webhook endpoint is disabled" in rehearsed
    assert api.retrieve(ours.id).status == "disabled"

    text, is_done = run(*PRICES)
    assert is_done
    assert "Mended: The webhook endpoint is disabled: no event arrives." in text
    assert "also sends charge.captured" in text
    mended = api.retrieve(ours.id)
    assert (mended.status, sorted(mended.enabled_events)) == ("enabled", sorted(TARGETS))


def test_an_address_without_its_last_slash_is_mended_and_a_second_endpoint_is_told(
    empty: Settings,
) -> None:
    api = client().v1.webhook_endpoints
    api.create({"url": URL[:-1], "enabled_events": ["*"], "api_version": "2024-06-20"})
    text, is_done = run(*PRICES)
    assert "Mended: The webhook endpoint’s address lacks its last slash" in text
    assert "uses API version 2024-06-20" in text
    assert not is_done
    api.create({"url": URL, "enabled_events": ["invoice.paid"]})
    assert "so events come twice" in run(*PRICES)[0]


def test_no_endpoint_is_made_for_an_address_that_stripe_cannot_reach(empty: Settings) -> None:
    empty.PORTAL_URL = "http://localhost:8000"
    text, _ = run(*PRICES)
    assert "stripe listen --forward-to http://localhost:8000/billing/webhook/" in text
    assert all("localhost" not in one["url"] for one in everything()["endpoints"])


def test_what_is_wrong_with_a_price_is_told_and_left(empty: Settings) -> None:
    api = client().v1
    product = api.products.create({"name": "Shop"})
    once = api.prices.create({"product": product.id, "currency": "eur", "unit_amount": 500})
    empty.STRIPE_PRICE_ID = once.id
    empty.STRIPE_YEARLY_PRICE_ID = "price_of_the_other_mode"
    text, is_done = run("--monthly", "19.00")
    assert not is_done
    assert f"{once.id} is a one-time price" in text
    assert f"{once.id} is in EUR, not USD" in text
    assert f"{once.id} costs €5.00, not $19.00" in text
    assert "price_of_the_other_mode, which isn’t in this account and mode" in text
    api.prices.update(once.id, {"active": False})
    assert f"{once.id} is archived" in run()[0]


def test_no_price_is_made_up(empty: Settings) -> None:
    count = len(everything()["prices"])
    text, is_done = run()
    assert not is_done
    assert "Monthly price: there’s none." in text
    assert len(everything()["prices"]) == count


@pytest.mark.django_db
def test_without_a_default_the_portal_gets_a_configuration_of_its_own(
    empty: Settings, sandbox: Sandbox
) -> None:
    sandbox.control("switches", portal_not_set_up=True)
    text, _ = run(*PRICES)
    line = next(one for one in text.splitlines() if one.startswith("STRIPE_PORTAL_CONF"))
    again, _ = run(*PRICES)
    assert line in again
    assert "Made:" not in again
    customer = client().v1.customers.create({"email": "alice@example.com"})
    with pytest.raises(gateway.PortalNotSetUp):
        gateway.create_portal_session(customer.id, "https://portal.example.com/")
    empty.STRIPE_PORTAL_CONFIGURATION = line.partition("=")[2]
    assert gateway.create_portal_session(customer.id, "https://portal.example.com/")
    assert gateway.has_portal()
    account_setup.check_portal()
    empty.STRIPE_PORTAL_CONFIGURATION = "bpc_gone"
    assert not gateway.has_portal()
    with pytest.raises(gateway.PortalNotSetUp):
        gateway.create_portal_session(customer.id, "https://portal.example.com/")
    assert "bpc_gone, which isn’t in this account" in run(*PRICES)[0]


def test_a_portal_where_cards_cannot_be_changed_is_mended(empty: Settings) -> None:
    empty.STRIPE_SECRET_KEY = "sk_test_sandbox"  # where the settings were saved
    api = client().v1.billing_portal.configurations
    default = api.list({"is_default": True}).data[0]
    features: stripe.params.billing_portal.ConfigurationUpdateParamsFeatures = {
        "payment_method_update": {"enabled": False}
    }
    api.update(default.id, {"features": features})
    assert "Mended: Customer portal" in run(*PRICES)[0]
    assert api.retrieve(default.id).features.payment_method_update.enabled


def test_a_step_that_fails_stops_no_other(empty: Settings, sandbox: Sandbox) -> None:
    def unreadable(one: dict[str, Any]) -> dict[str, Any]:
        is_endpoint = one["object"] == "webhook_endpoint"
        return {"id": one["id"], "object": one["object"]} if is_endpoint else one

    run(*PRICES)
    with altered(sandbox, empty, unreadable):
        text, is_done = run(*PRICES)
    assert not is_done
    assert "Failed: Webhook endpoint" in text
    assert "There already: Customer portal" in text


def test_a_wrong_key_is_said(empty: Settings) -> None:
    empty.STRIPE_SECRET_KEY = "sk_live_wrong"
    text, is_done = run(*PRICES)
    assert not is_done
    assert "Account: Stripe refused." in text


def test_without_stripe_the_command_says_so(empty: Settings) -> None:
    empty.STRIPE_API_BASE = "http://127.0.0.1:9"
    empty.STRIPE_TIMEOUT_SECONDS = 1.0
    text, is_done = run(*PRICES)
    assert not is_done
    assert "Stripe could not be asked" in text


@pytest.mark.parametrize("amount", ["nineteen", "19,00", "-1"])
def test_an_amount_that_cannot_be_read_is_refused(empty: Settings, amount: str) -> None:
    text, is_done = run(f"--monthly={amount}")
    assert not is_done
    assert "is no amount" in text

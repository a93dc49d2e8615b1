"""Several members' lives at once, recorded stage by stage; the sandbox can return to each.

Making them takes seconds; returning to a stage is one request, so many examples can be tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from pytest_django import Settings

from billing.models import Checkout, Customer
from billing.payments import single_payments
from billing.tests.life import DECLINED_LATER_CARD, GOOD_CARD, deliver, sign_up, subscribe
from conftest import Sandbox

BANK_PAYS, BANK_REFUSES = "000123456789", "000111111116"
DAY = 86_400
Told = list[tuple[str, str]]  # first name and kind of message


@dataclass
class Stage:
    """What happened at Stripe, in events, and what each member is told of it."""

    bookmark: str
    events: list[dict[str, Any]]
    told: Told


@dataclass
class Lives:
    """The recording, and how it is made."""

    sandbox: Sandbox
    stages: list[Stage] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def stage(self, *told: tuple[str, str]) -> None:
        """Keep what has happened since the last stage."""
        new = [event for event in self.sandbox.events() if event["id"] not in self.seen]
        self.seen |= {event["id"] for event in new}
        name = f"stage-{len(self.stages)}"
        self.sandbox.control(f"bookmarks/{name}")
        self.stages.append(Stage(name, new, list(told)))
        # The next checkout needs to know that the last one is done.
        deliver(event for event in new if event["type"].startswith("checkout."))

    @property
    def events(self) -> list[dict[str, Any]]:
        """All that ever happened."""
        return [event for stage in self.stages for event in stage.events]

    def go_back(self, stage: Stage) -> None:
        """Let Stripe be as it was at the end of a stage."""
        self.sandbox.control(f"bookmarks/{stage.bookmark}/restore")


def record(sandbox: Sandbox, settings: Settings) -> Lives:
    """Alice's trial becomes a membership with a credit note; Bob pays by bank, joins, recovers."""
    lives = Lives(sandbox)
    alice, bob = sign_up("Alice Archer"), sign_up("Bob Baker")
    _start_trial(lives, settings, alice)
    _pay_by_bank(lives, bob, BANK_PAYS)
    lives.stage(("Bob", "debit_coming"))
    _days(sandbox, 5)
    lives.stage(("Bob", "payment_received"))
    subscribe(sandbox, bob, DECLINED_LATER_CARD)
    lives.stage(("Bob", "joined"))
    _days(sandbox, 8)
    lives.stage(("Alice", "trial_ending"))
    _days(sandbox, 2)
    lives.stage(("Alice", "payment_received"))
    _credit(sandbox, alice)
    lives.stage(("Alice", "credit_note"))
    _days(sandbox, 22)
    lives.stage(("Bob", "payment_failed"))
    sandbox.control(f"customers/{_customer(bob)}/card", card=GOOD_CARD)
    _pay_by_bank(lives, bob, BANK_REFUSES)
    lives.stage(("Bob", "debit_coming"))
    # Bob's retry works, Alice's renewal takes her credit first.
    _days(sandbox, 10)
    recovered = [("Bob", "payment_received"), ("Bob", "payment_not_made")]
    lives.stage(("Alice", "payment_received"), *recovered)
    _set_end(sandbox, alice, wanted=True)
    lives.stage(("Alice", "membership_ends"))
    _set_end(sandbox, alice, wanted=False)
    lives.stage(("Alice", "membership_goes_on"))
    return lives


def _start_trial(lives: Lives, settings: Settings, user: User) -> None:
    monthly = settings.STRIPE_PRICE_ID
    price = lives.sandbox.stripe.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 2900,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Membership"},
            "metadata": {"trial_days": "14"},
        }
    )
    settings.STRIPE_PRICE_ID = price.id
    subscribe(lives.sandbox, user)
    settings.STRIPE_PRICE_ID = monthly
    lives.stage((user.first_name, "welcome"))


def _pay_by_bank(lives: Lives, user: User, account: str) -> None:
    single_payments.pay_amount(user, 6250, "Guest pass")
    session_id = Checkout.objects.for_user(user).latest("pk").session_id
    lives.sandbox.control(f"checkout/{session_id}/complete", card=account, authenticate=True)


def _days(sandbox: Sandbox, count: int) -> None:
    sandbox.control("clock", advance_seconds=count * DAY)


def _customer(user: User) -> str:
    return Customer.objects.get(user=user).stripe_id


def _credit(sandbox: Sandbox, user: User) -> None:
    paid = sandbox.stripe.v1.invoices.list({"customer": _customer(user), "status": "paid"})
    newest = next(invoice for invoice in paid.data if invoice.amount_paid)
    sandbox.stripe.v1.credit_notes.create(
        {"invoice": newest.id, "amount": 500, "credit_amount": 500}
    )


def _set_end(sandbox: Sandbox, user: User, *, wanted: bool) -> None:
    # Each decision has its own second at Stripe.
    sandbox.control("clock", advance_seconds=60)
    subscription_id = sandbox.stripe.v1.subscriptions.list({"customer": _customer(user)}).data[0].id
    sandbox.stripe.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": wanted})

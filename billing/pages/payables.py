"""One-time payments that a member can make, and their status after Checkout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.urls import reverse

from billing.core import texts
from billing.core.bank_statuses import ZellePurpose
from billing.core.statuses import CheckoutState
from billing.facts import pay_links, tax_settings, zelle
from billing.models import Checkout, ExpectedTransfer, Item, PaymentRequest, ZelleTerms
from billing.pages.payment_lines import payment_url
from common.money import Money


@dataclass(frozen=True)
class Payable:
    """Something to pay once: a request with its page, or an item with its button's address."""

    description: str
    price: Money
    url: str
    action: str
    until: datetime | None = None
    tax_words: str = ""  # "plus tax"
    takes_zelle: bool = False  # beside its button

    @property
    def price_with_tax(self) -> str:
        """The price as it's shown: "$29.00, plus tax"."""
        return texts.with_tax(str(self.price), self.tax_words)


class Outcome(StrEnum):
    """The status of a single payment."""

    CONFIRMING = "confirming"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"


@dataclass(frozen=True)
class PaymentResult:
    """What the page says after Checkout. `url` is the payment's page, or where to try again."""

    outcome: Outcome
    amount: Money
    description: str
    url: str = ""

    @property
    def is_final(self) -> bool:
        """Whether asking again soon would be pointless."""
        return self.outcome != Outcome.CONFIRMING


def payables(
    asked: Sequence[PaymentRequest],
    offered: Sequence[Item],
    by_zelle: Sequence[ExpectedTransfer],
    known: ZelleTerms,
) -> list[Payable]:
    """Return what the member was asked to pay and what is on sale to them, requests first.

    What they're paying by Zelle is left out: it has an alert.
    """
    words = tax_settings.single_words()
    requests_paid = {row.request_id for row in by_zelle}
    items_paid = {row.request.item_id for row in by_zelle if row.request}
    requests = [
        Payable(row.description, row.price, pay_links.path_of(row), "", row.expires_at)
        for row in asked
        if row.pk not in requests_paid
    ]
    items = [
        Payable(
            row.name,
            row.price,
            "",
            reverse("billing:pay-item", args=[row.pk]),
            takes_zelle=zelle.takes(ZellePurpose.REQUEST, row.amount, row.currency, known=known),
        )
        for row in offered
        if row.pk not in items_paid
    ]
    return [replace(one, tax_words=words) for one in requests + items]


def result_of(checkout: Checkout) -> PaymentResult:
    """Return the status of a single payment after its member returned from Checkout."""
    payment, price = checkout.payment, Money(checkout.amount or 0, checkout.currency)
    if payment:
        # With the tax that was added.
        price = payment.money
    if checkout.state == CheckoutState.COMPLETE and payment:
        return PaymentResult(Outcome.PAID, price, checkout.description, payment_url(payment))
    if checkout.state == CheckoutState.PROCESSING:
        return PaymentResult(Outcome.PROCESSING, price, checkout.description)
    if checkout.state == CheckoutState.FAILED:
        again = pay_links.path_of(checkout.request) if checkout.request else ""
        again = again or reverse("billing:pay-amount")
        return PaymentResult(Outcome.FAILED, price, checkout.description, again)
    return PaymentResult(Outcome.CONFIRMING, price, checkout.description)

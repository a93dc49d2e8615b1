"""Stripe's test cards, and how each behaves."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from sandbox.stripe.errors import ApiError
from sandbox.world import Json


@dataclass(frozen=True)
class Card:
    """A test card. `decline` is (code, decline code, message)."""

    number: str
    brand: str = "visa"
    decline: tuple[str, str | None, str] | None = None
    decline_when: Literal["always", "off_session"] = "always"
    authentication: Literal["never", "unless_set_up", "always"] = "never"
    refunds: Literal["succeed", "fail_later", "pending"] = "succeed"
    delayed: Literal["pays", "fails"] | None = None
    """A bank account: it pays, or fails, some days after it was charged."""
    disputed: str | None = None
    """The reason of the dispute that each payment with this card runs into."""
    inquiry: bool = False
    """Whether its bank asks first, and moves no money."""
    reported: bool = False
    """Whether its bank reports each payment with it as fraud."""

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return sha256(self.number.encode()).hexdigest()[:16]

    def is_declined(self, *, off_session: bool) -> bool:
        return self.decline is not None and (self.decline_when == "always" or off_session)

    def needs_authentication(self, *, off_session: bool) -> bool:
        if self.authentication == "unless_set_up":
            return not off_session
        return self.authentication == "always"


@dataclass(frozen=True)
class TypedCard:
    """A card as typed. `expires` is the last year and month in which it's valid."""

    number: str
    expires: tuple[int, int]


_DECLINED = "Your card was declined."
_GENERIC = ("card_declined", "generic_decline", _DECLINED)

CARDS = {
    card.number: card
    for card in (
        Card("4242424242424242"),
        Card("5555555555554444", brand="mastercard"),
        Card("378282246310005", brand="amex"),
        Card("4000000000000002", decline=_GENERIC),
        Card(
            "4000000000009995",
            decline=("card_declined", "insufficient_funds", "Your card has insufficient funds."),
        ),
        Card("4000000000009987", decline=("card_declined", "lost_card", _DECLINED)),
        Card("4000000000000069", decline=("expired_card", None, "Your card has expired.")),
        Card(
            "4000000000000127",
            decline=("incorrect_cvc", None, "Your card's security code is incorrect."),
        ),
        Card(
            "4000000000000119",
            decline=("processing_error", None, "An error occurred while processing your card."),
        ),
        Card("4000000000000341", decline=_GENERIC, decline_when="off_session"),
        Card("4000002500003155", authentication="unless_set_up"),
        Card("4000002760003184", authentication="always"),
        Card("4000000000005126", refunds="fail_later"),
        Card("4000000000007726", refunds="pending"),
        Card("4000000000000259", disputed="fraudulent"),
        Card("4000000000002685", disputed="product_not_received"),
        Card("4000000000001976", disputed="fraudulent", inquiry=True),
        Card("4000000000005423", reported=True),
        Card("000123456789", brand="bank", delayed="pays"),
        Card("000111111116", brand="bank", delayed="fails"),
    )
}
_BY_FINGERPRINT = {card.fingerprint: card for card in CARDS.values()}

TOKENS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_us": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_refundFail": "4000000000005126",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeProductNotReceived": "4000000000002685",
    "pm_card_createDisputeInquiry": "4000000000001976",
    "pm_card_createIssuerFraudRecord": "4000000000005423",
}
"""Stripe's ready-made payment methods, by the card they stand for."""


def by_number(number: str) -> Card:
    """The test card for a typed number. Raises ApiError 402 for any other number."""
    digits = "".join(character for character in number if character.isdigit())
    if digits in CARDS:
        return CARDS[digits]
    if _luhn(digits):
        message = f"{_DECLINED} Your request was in test mode, but used a non test card."
        raise ApiError(402, "card_error", message, code="card_declined", param="number")
    message = "Your card number is incorrect."
    raise ApiError(402, "card_error", message, code="incorrect_number", param="number")


def refused(card: Card) -> ApiError:
    """The error for a card that's declined as soon as it's attached."""
    code, decline_code, message = card.decline or _GENERIC
    return ApiError(402, "card_error", message, code=code, decline_code=decline_code)


def of_method(method: Json) -> Card:
    """The test card behind a payment method."""
    kind = method.get("card") or method["us_bank_account"]
    return _BY_FINGERPRINT[kind["fingerprint"]]


def _luhn(digits: str) -> bool:
    if not digits:
        return False
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0

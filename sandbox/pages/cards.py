"""The test cards on the hosted pages, and the checks that a card form makes itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.stripe.cards import TypedCard


@dataclass(frozen=True)
class TestCard:
    """A card number with a fixed fate (Stripe's "Testing", test cards)."""

    number: str
    name: str
    effect: str

    @property
    def ending(self) -> str:
        return self.number[-4:]


TEST_CARDS = (
    TestCard("4242424242424242", "Works", "Pays at once"),
    TestCard("4000002500003155", "3D Secure", "Approve or fail it next"),
    TestCard("4000000000000002", "Declined", "The bank says no"),
    TestCard("4000000000009995", "No funds", "Declined: insufficient funds"),
    TestCard("4000000000000341", "Fails later", "Is saved, then payments fail"),
)
RARE_CARDS = (
    TestCard("4000000000005126", "Refund fails", "Pays; a refund fails later"),
    TestCard("4000000000007726", "Refund waits", "Pays; a refund stays pending"),
    TestCard("4000000000000259", "Disputed", "Pays; the owner disputes it"),
    TestCard("4000000000001976", "Asked about", "Pays; the owner’s bank asks about it"),
    TestCard("4000000000005423", "Reported", "Pays; the owner’s bank reports it as fraud"),
)
PICKER = {"common": TEST_CARDS, "rare": RARE_CARDS}
EXPIRY = "12 / 34"
CVC = "123"


@dataclass(frozen=True)
class CardForm:
    """The card fields as they were typed."""

    number: str = ""
    expiry: str = ""
    cvc: str = ""
    name: str = ""

    @property
    def digits(self) -> str:
        return re.sub(r"\D", "", self.number)

    @property
    def typed(self) -> TypedCard:
        """What the bank gets; only valid if `problem` finds none."""
        return TypedCard(self.digits, _expiry(self.expiry) or (0, 0))

    @property
    def grouped(self) -> str:
        """The number in groups of four."""
        return " ".join(re.findall(r"\d{1,4}", self.digits))


def read(form: Mapping[str, str]) -> CardForm:
    return CardForm(
        form.get("number", ""), form.get("expiry", ""), form.get("cvc", ""), form.get("name", "")
    )


def picked(query: Mapping[str, str]) -> CardForm:
    """The fields, filled in for the picked test card (`?card=…`), otherwise empty."""
    number = query.get("card", "")
    known = any(card.number == number for card in (*TEST_CARDS, *RARE_CARDS))
    return CardForm(number, EXPIRY, CVC) if known else CardForm()


def problem(card: CardForm, now: int) -> str | None:
    """What a card form complains about before it asks the bank; None if nothing."""
    if not card.digits:
        return "Enter a card number."
    if not 12 <= len(card.digits) <= 19 or not _luhn(card.digits):
        return "Your card number is invalid."
    expires = _expiry(card.expiry)
    if expires is None:
        return "Your card’s expiration date is incomplete. Write it as MM / YY."
    today = datetime.fromtimestamp(now, UTC)
    if expires < (today.year, today.month):
        return "Your card’s expiration date is in the past."
    if not re.fullmatch(r"\d{3,4}", card.cvc.strip()):
        return "Your card’s security code is incomplete."
    return None


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _expiry(text: str) -> tuple[int, int] | None:
    """Year and month of `MM / YY`."""
    match = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*/?\s*(?:20)?(\d\d)\s*", text)
    return (2000 + int(match[2]), int(match[1])) if match else None

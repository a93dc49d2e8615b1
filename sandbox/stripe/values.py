"""Plain parameter values: what each kind accepts, and Stripe's words for what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from sandbox.stripe import currencies

LONGEST = 5000
"""Characters of a text that has no limit of its own."""
_LONGEST_URL = 2048
_SHOWN = 10
"""How many characters Stripe repeats of either end of a text that is too long."""


@dataclass(frozen=True)
class Leaf:
    """A plain value. `parse` raises `Refused`. If `is_text`, an empty value unsets it."""

    parse: Callable[[str], Any]
    name: str
    is_text: bool = False


class Refused(ValueError):
    """A refused value, with Stripe's code if there is one."""

    def __init__(self, code: str | None, message: str) -> None:
        super().__init__(message)
        self.code = code


def of(value: Any, leaf: Leaf) -> Any:
    """Parse whatever a request sent for a leaf. Raises `Refused`."""
    if not isinstance(value, str):
        raise Refused(None, f"Invalid {leaf.name}: {json.dumps(value)}")
    return leaf.parse(value)


def text(longest: int) -> Leaf:
    """A text with a maximum length."""

    def parse(given: str) -> str:
        if len(given) > longest:
            raise Refused(
                None, f"Invalid string: {_short(given)}; must be at most {longest} characters"
            )
        return given

    return Leaf(parse, "string", is_text=True)


def _short(given: str) -> str:
    return f"{given[:_SHOWN]}...{given[-_SHOWN:]}" if len(given) > 2 * _SHOWN else given


def integer(least: int | None = None, most: int | None = None) -> Leaf:
    """A whole number within a range."""

    def parse(given: str) -> int:
        number = _integer(given)
        if least is not None and number < least:
            raise _out_of_range(f"This value must be greater than or equal to {least}.")
        if most is not None and number > most:
            raise _out_of_range(
                f"This value must be less than or equal to {most} (it currently is '{number}')."
            )
        return number

    return Leaf(parse, "integer")


def _integer(given: str) -> int:
    if not re.fullmatch(r"-?\d{1,15}", given, re.ASCII):
        raise _out_of_range(f"Invalid integer: {given}")
    return int(given)


def _out_of_range(message: str) -> Refused:
    return Refused("parameter_invalid_integer", message)


def _boolean(given: str) -> bool:
    if given not in ("true", "false"):
        raise Refused(None, f"Invalid boolean: {given}")
    return given == "true"


def _decimal(given: str) -> Decimal:
    try:
        number = Decimal(given)
    except InvalidOperation as error:
        raise Refused("parameter_invalid_decimal", f"Invalid decimal: {given}") from error
    if not number.is_finite():
        raise Refused("parameter_invalid_decimal", f"Invalid decimal: {given}")
    return number


def _url(given: str) -> str:
    try:
        address = urlsplit(given)
        host = address.hostname
    except ValueError as error:
        raise Refused("url_invalid", "Not a valid URL") from error
    if address.scheme not in ("http", "https") or not host:
        message = "Not a valid URL: an explicit scheme (such as https) must be provided."
        raise Refused("url_invalid", message)
    if re.search(r"\s", given):
        raise Refused("url_invalid", "Not a valid URL")
    if len(given) > _LONGEST_URL:
        message = f"Invalid URL: URL must be {_LONGEST_URL} characters or less."
        raise Refused("url_invalid", message)
    return given


def _email(given: str) -> str:
    # Checkout's form accepts English characters only; domains may be in their DNS form.
    is_shaped = re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+|[^@\s]+@localhost", given)
    if not (is_shaped and given.isascii()):
        raise Refused("email_invalid", f"Invalid email address: {given}")
    result: str = _EMAIL_TEXT.parse(given)
    return result


def _currency(given: str) -> str:
    code = given.lower()
    if code not in currencies.SUPPORTED:
        listed = ", ".join(currencies.SUPPORTED)
        raise Refused(
            None,
            f"Invalid currency: {given}. Stripe currently supports these currencies: {listed}",
        )
    return code


def _descriptor(given: str) -> str:
    """A card statement descriptor: up to 22 characters, a letter, none of `< > \\ ' " *`."""
    if len(given) > 22:
        raise Refused(
            None,
            "The statement descriptor must be at most 22 characters. "
            f"{given} is {len(given)} characters long.",
        )
    if re.search(r"[<>\\'\"*]", given):
        raise Refused(
            None,
            "The statement descriptor contains invalid characters. "
            "It cannot contain any of the following: < > \\ ' \" *.",
        )
    if not re.search("[A-Za-z]", given):
        raise Refused(
            None, "The statement descriptor must contain at least one alphabetic character."
        )
    return given


def _promotion_code(given: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]+", given):
        message = "Promotion codes must only contain alphanumeric characters and dashes."
        raise Refused(None, message)
    result: str = text(500).parse(given)
    return result


def one_of(*choices: str) -> Leaf:
    """One of a set of words."""

    def parse(given: str) -> str:
        if given not in choices:
            listed = (
                f"{', '.join(choices[:-1])}, or {choices[-1]}"
                if len(choices) > 2
                else " or ".join(choices)
            )
            raise Refused(None, f"must be one of {listed}")
        return given

    return Leaf(parse, "choice")


_EMAIL_TEXT = text(512)
TEXT = text(LONGEST)
URL = Leaf(_url, "URL", is_text=True)
EMAIL = Leaf(_email, "email address", is_text=True)
CURRENCY = Leaf(_currency, "currency")
DESCRIPTOR = Leaf(_descriptor, "statement descriptor", is_text=True)
PROMOTION_CODE = Leaf(_promotion_code, "promotion code", is_text=True)
INTEGER = integer()
COUNT = integer(least=1)
NOT_NEGATIVE = integer(least=0)
BOOLEAN = Leaf(_boolean, "boolean")
DECIMAL = Leaf(_decimal, "decimal")

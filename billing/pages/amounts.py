"""Reads an amount that a member typed; what's wrong with it is said with an example."""

from __future__ import annotations

import re

from django import forms
from django.utils.translation import gettext as _

from common.money import AmountError, decimals, parse_money, plain_amount

DECIMAL_COMMA = re.compile(r"[^0-9]*([0-9]+),([0-9]{1,2})[^0-9]*")


def read(text: str, currency: str, example: int) -> int:
    """Return a typed amount in minor units. `example`: one that would do, in minor units.

    Raises:
        forms.ValidationError: it isn't an amount; the sentence is for its field.
    """
    try:
        return parse_money(text, currency)
    except AmountError as error:
        raise forms.ValidationError(_how_to_write(text, currency, example)) from error


def _how_to_write(text: str, currency: str, example: int) -> str:
    """Return how to write an amount; for 10,50, how to write that one."""
    places = decimals(currency)
    comma = DECIMAL_COMMA.fullmatch(text)
    if comma and places:
        shown = f"{comma[1]}.{comma[2]:0<{places}}"
        return _("Use a decimal point, for example %(amount)s.") % {"amount": shown}
    return _("Enter an amount, for example %(amount)s.") % {
        "amount": plain_amount(example, currency)
    }

"""Reads an amount that a member typed; what's wrong with it is said with an example."""

from __future__ import annotations

import re

from django import forms
from django.utils.translation import gettext as _

from common.money import AmountError, decimal_mark, decimals, parse_money, typed_amount

# With the other mark than is used here: 10,50 or 10.50.
OTHER_MARK = re.compile(r"[^0-9]*([0-9]+)[.,]([0-9]{1,2})[^0-9]*")


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
    places, mark = decimals(currency), decimal_mark()
    other = OTHER_MARK.fullmatch(text)
    if other and places and mark not in text:
        names = {"amount": f"{other[1]}{mark}{other[2]:0<{places}}"}
        if mark == ".":
            return _("Use a decimal point, for example %(amount)s.") % names
        return _("Use a decimal comma, for example %(amount)s.") % names
    return _("Enter an amount, for example %(amount)s.") % {
        "amount": typed_amount(example, currency)
    }

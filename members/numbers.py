"""Phone numbers as countries write them, and the one form in which each is kept (pure).

Google's rules (phonenumbers) know how a number is dialed at home. They do not know that some
countries have written a mobile number in two ways, of which one is kept here: E.164, as Twilio
takes it. What Twilio names as the sender of a text may still be the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

# By country code: how the national number may be written, and how it is kept.
OTHER_FORMS: Mapping[int, tuple[re.Pattern[str], str]] = {
    # Mexico: until 2019 a 1 stood before mobiles from abroad, 044 and 045 at home.
    52: (re.compile(r"0?(?:1|4[45])(\d{10})"), r"\1"),
    # Argentina: a mobile has a 9 in front from abroad, a 15 after its area at home (which Google's
    # rules know), and in everyday life neither. No landline has the same digits.
    54: (re.compile(r"([1-8]\d{9})"), r"9\1"),
    # Brazil: until 2016 a mobile had eight digits; a 9 was put before them.
    55: (re.compile(r"(\d{2})([6-9]\d{7})"), r"\g<1>9\2"),
}
# How the world writes "from abroad" where a telephone has no +.
ABROAD = re.compile(r"\s*(?:\(?00\)?)(?=[\s1-9(])")


def parse(text: str, region: str | None) -> PhoneNumber:
    """Return a number as people write it, in the form that is kept; it may not exist.

    A number without a country code is one of the region (ISO code).

    Raises:
        NumberParseException: this is no number.
    """
    number = _in_kept_form(phonenumbers.parse(text, region))
    if not phonenumbers.is_valid_number(number) and ABROAD.match(text):
        number = _in_kept_form(phonenumbers.parse(ABROAD.sub("+", text, count=1), None))
    return number


def e164(number: PhoneNumber) -> str:
    """Return a number as it is kept."""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def kept(phone: str) -> str:
    """Return the form in which a number (with its country code) is kept; as it is if it is none."""
    try:
        number = parse(phone, None)
    except NumberParseException:
        return phone
    return e164(number) if phonenumbers.is_valid_number(number) else phone


def _in_kept_form(number: PhoneNumber) -> PhoneNumber:
    """Return the number in its kept form, if that one exists."""
    pattern, form = OTHER_FORMS.get(number.country_code or 0, (None, ""))
    national = phonenumbers.national_significant_number(number)
    if pattern is None or not pattern.fullmatch(national):
        return number
    other = PhoneNumber(
        country_code=number.country_code, national_number=int(pattern.sub(form, national))
    )
    return other if phonenumbers.is_valid_number(other) else number

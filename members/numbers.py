"""Phone numbers as countries write them, and the one form that we keep (pure).

Google's rules (phonenumbers) know how a number is dialed at home. They don't know that some
countries write a mobile number in two ways. We keep one of them: E.164, as Twilio accepts it.
Twilio may still name the other as a text's sender.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

# By country code: how the national number may be written, and how it's kept.
OTHER_FORMS: Mapping[int, tuple[re.Pattern[str], str]] = {
    # Mexico: until 2019, mobiles had a 1 in front from abroad, and 044 or 045 at home.
    52: (re.compile(r"0?(?:1|4[45])(\d{10})"), r"\1"),
    # Argentina: a mobile has a 9 in front from abroad, a 15 after its area code at home (which
    # Google's rules know), and often neither. No landline has the same digits.
    54: (re.compile(r"([1-8]\d{9})"), r"9\1"),
    # Brazil: until 2016 a mobile had eight digits; then a 9 was added in front.
    55: (re.compile(r"(\d{2})([6-9]\d{7})"), r"\g<1>9\2"),
}
# The international prefix on a phone without a +.
ABROAD = re.compile(r"\s*(?:\(?00\)?)(?=[\s1-9(])")


def parse(text: str, region: str | None) -> PhoneNumber:
    """Parse a number as people write it into the form that we keep; it may not exist.

    A number without a country code belongs to the region (ISO code).

    Raises:
        NumberParseException: it isn't a number.
    """
    number = _in_kept_form(phonenumbers.parse(text, region))
    if not phonenumbers.is_valid_number(number) and ABROAD.match(text):
        number = _in_kept_form(phonenumbers.parse(ABROAD.sub("+", text, count=1), None))
    return number


def e164(number: PhoneNumber) -> str:
    """Return a number in E.164, as we keep it."""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def kept(phone: str) -> str:
    """Return the form in which we keep a number with its country code; other text unchanged."""
    try:
        number = parse(phone, None)
    except NumberParseException:
        return phone
    return e164(number) if phonenumbers.is_valid_number(number) else phone


def as_read(phone: str) -> str:
    """Return an E.164 number in groups; a short code, or other text, unchanged."""
    try:
        number = phonenumbers.parse(phone, None)
    except NumberParseException:
        return phone
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def _in_kept_form(number: PhoneNumber) -> PhoneNumber:
    """Return the number in its kept form, if that exists."""
    pattern, form = OTHER_FORMS.get(number.country_code or 0, (None, ""))
    national = phonenumbers.national_significant_number(number)
    if pattern is None or not pattern.fullmatch(national):
        return number
    other = PhoneNumber(
        country_code=number.country_code, national_number=int(pattern.sub(form, national))
    )
    return other if phonenumbers.is_valid_number(other) else number

"""Members' phone numbers: which ones we accept, and every change, under a lock."""

from __future__ import annotations

from typing import Any

import phonenumbers
from allauth.account.adapter import get_adapter
from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from common import region
from common.fields import WordsField
from members import consent, numbers
from members.models import ConsentSource, Member

# North American numbers don't distinguish mobiles from landlines. Premium, toll-free, and VoIP
# numbers are left out: texting them costs more, or reaches nobody.
TEXTABLE = {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.PERSONAL_NUMBER,
}


class PhoneTakenError(Exception):
    """Another member has verified this number."""


def normalize(text: str) -> str:
    """Return a typed number in E.164. Raises ValidationError with a plain sentence.

    A number without a country code is read as one of the business's own country.
    """
    try:
        number = numbers.parse(text, region.current().country)
    except NumberParseException:
        raise ValidationError(_("Enter a phone number, such as +1 415 555 2671.")) from None
    if not phonenumbers.is_valid_number(number):
        raise ValidationError(_("This phone number doesn’t exist. Check the digits."))
    _check_country(phonenumbers.region_code_for_number(number) or "")
    if phonenumbers.number_type(number) not in TEXTABLE:
        raise ValidationError(_("We can’t text this number. Enter a mobile number."))
    return numbers.e164(number)


def country(phone: str) -> str:
    """Return the ISO code of an E.164 number's country, even for shared codes such as +1."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(phone)) or ""


def international(phone: str) -> str:
    """Return an E.164 number as people read it: "+1 415-555-2671"."""
    return phonenumbers.format_number(phonenumbers.parse(phone), PhoneNumberFormat.INTERNATIONAL)


def _check_country(code: str) -> None:
    if code in settings.SMS_COUNTRIES:
        return
    allowed = [
        f"{one} (+{phonenumbers.country_code_for_region(one)})" for one in settings.SMS_COUNTRIES
    ]
    words = _("We can only text numbers in {countries}.")
    raise ValidationError(words.format(countries=get_text_list(allowed, _("and"))))


class PhoneField(WordsField):
    """A phone number as people write it; cleans to E.164, or to "" if it's optional."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"type": "tel", "autocomplete": "tel", "inputmode": "tel"}
        kwargs.setdefault("label", gettext_lazy("Phone"))
        kwargs.setdefault("widget", forms.TextInput(attrs=attributes))
        super().__init__(max_length=32, **kwargs)

    def clean(self, value: Any) -> str:
        """Return the number in E.164, after the adapter's own check."""
        text = super().clean(value)
        return str(get_adapter().clean_phone(normalize(text))) if text else ""


def owner(phone: str) -> User | None:
    """Return the user who has verified this number. An unverified number belongs to nobody."""
    users = User.objects.filter(member__phone=numbers.kept(phone))
    return users.filter(member__phone_verified_at__isnull=False).first()


@transaction.atomic
def attach(user: User, phone: str) -> None:
    """Save a number that isn't verified yet."""
    _write(user, phone=phone, phone_verified_at=None)


@transaction.atomic
def confirm(user: User, phone: str) -> None:
    """Make a number verified by its code the user's own. Raises PhoneTakenError."""
    try:
        with transaction.atomic():
            _write(user, phone=phone, phone_verified_at=timezone.now())
    except IntegrityError as error:
        raise PhoneTakenError from error


@transaction.atomic
def remove(user: User) -> None:
    """Delete the user's number. Their consent to texts ends with it."""
    consent.stop(user.member, ConsentSource.ACCOUNT)
    _write(user, phone="", phone_verified_at=None)


def _write(user: User, **fields: Any) -> None:
    member = Member.objects.select_for_update().get(user=user)
    for name, value in fields.items():
        setattr(member, name, value)
        setattr(user.member, name, value)
    member.save(update_fields=list(fields))

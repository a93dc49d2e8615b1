"""Time and place on the staff site: clock, country, languages, and the form of days and numbers.

It says first what follows from another clock, country, or decimal sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import phonenumbers
from babel import Locale, localedata
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from billing.models import BookClosing
from business import rules
from business.admin.group import GroupAdmin, Setting
from business.admin.group_form import GroupForm
from business.models import LocaleVersion
from common import countries, locales, region
from members import time_zones

FIELDS = ("locale", "time_zone", "country", "language", "languages")
A_DAY, AN_HOUR = date(2026, 12, 4), datetime(2026, 12, 4, 21, 5)  # noqa: DTZ001  (only a clock)
OURS = ("", "The environment’s")


@lru_cache(maxsize=1)
def every_locale() -> list[tuple[str, str]]:
    """Return the locales of a language in a country, by name.

    Those with digits of their own are left out: members and staff type amounts as they're written.
    """
    found = []
    for name in localedata.locale_identifiers():
        one = Locale.parse(name)
        is_plain = one.territory and not one.script and not one.variant
        if is_plain and one.default_numbering_system == "latn":
            found.append((name, str(one.get_display_name("en"))))
    return sorted(found, key=lambda pair: pair[1])


@lru_cache(maxsize=512)
def written(name: str) -> str:
    """Return a locale with an example: "English (United States): December 4, 2026 …"."""
    one = locales.find(name)
    day, clock = format_date(A_DAY, "long", one), format_time(AN_HOUR, "short", locale=one)
    number = format_decimal(Decimal("1234.56"), locale=one)
    said = f"{one.get_display_name('en')}: {day}, {clock}, {number}"
    return said.replace("\u202f", " ")


def zone_words(name: str) -> str:
    """Return a time zone as people read it: "New York (UTC−05:00)"."""
    return time_zones.label(name, timezone.now())


def country_words(code: str) -> str:
    """Return "United States (+1)"."""
    prefix = phonenumbers.country_code_for_region(code)
    return f"{countries.name(code)} (+{prefix})" if prefix else countries.name(code)


def _language_words(code: str) -> str:
    return dict(_languages()).get(code, code)


def _languages_words(codes: list[str]) -> str:
    return ", ".join(_language_words(one) for one in codes)


def _languages() -> list[tuple[str, str]]:
    """Return every language that has a catalog."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def _zones() -> list[Any]:
    return [OURS, *time_zones.by_area()]


def _countries() -> list[tuple[str, str]]:
    known = [one for one in countries.codes() if one in phonenumbers.SUPPORTED_REGIONS]
    return [OURS, *((one, country_words(one)) for one in known)]


def _field(label: str, choices: Any, help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=choices,
        required=False,
        help_text=help_text,
        widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": "Choose one from the list."},
    )


class LocaleForm(GroupForm):
    """Where the business is."""

    warning = "Look at what follows:"

    time_zone = _field(
        "Time zone",
        _zones,
        "For members who chose none of their own, and for everything that’s counted by day.",
    )
    locale = _field(
        "Numbers and dates",
        lambda: [OURS, *every_locale()],
        "Numbers and amounts are written and typed this way, and dates are in this order.",
    )
    country = _field(
        "Country",
        _countries,
        "Phone numbers without a country code are from here, and it’s the first in lists.",
    )
    language = _field(
        "Language",
        lambda: [OURS, *_languages()],
        "For visitors whose browser asks for none of the others, and for emails to strangers.",
    )
    languages = forms.MultipleChoiceField(
        label="Offered languages",
        choices=_languages,
        required=False,
        help_text="What members can choose from. None checked: all of these.",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"invalid_choice": "Choose from the list."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(settings.LANGUAGES) < 2:
            # There's nothing to choose from.
            del self.fields["language"], self.fields["languages"]

    @classmethod
    def typed(cls, row: LocaleVersion | None) -> dict[str, Any]:
        """Return a version's values."""
        return {name: getattr(row, name) for name in FIELDS} if row else {}

    def clean(self) -> dict[str, Any]:
        """Take a language only if it's offered."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        offered, language = cleaned.get("languages"), cleaned.get("language")
        if offered and language and language not in offered:
            raise ValidationError(f"Offer {_language_words(language)}, too, or choose another.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return a version's values."""
        chosen = {name: self.cleaned_data.get(name) or "" for name in FIELDS}
        return {**chosen, "languages": self.cleaned_data.get("languages") or None}

    def effects(self) -> list[str]:
        """Say what follows from another clock, country, or decimal sign."""
        return list(self._effects())

    def _effects(self) -> Iterator[str]:
        now = region.current()
        then = rules.with_version(LocaleVersion(**self.values()))
        if then.time_zone != now.time_zone:
            yield from _of_zone(now.time_zone, then.time_zone)
        if then.country != now.country and then.country not in settings.SMS_COUNTRIES:
            named = ", ".join(settings.SMS_COUNTRIES)
            yield (
                f"Numbers in {countries.name(then.country)} get no texts: the environment"
                f" (SMS_COUNTRIES) allows {named}."
            )
        typed = [format_decimal(Decimal("1234.56"), locale=one.locale) for one in (now, then)]
        if typed[0] != typed[1]:
            yield f"Amounts are typed as {typed[1]} from then on, and no longer as {typed[0]}."


def _of_zone(old: str, new: str) -> Iterator[str]:
    yield (
        f"Home’s numbers are counted again by the days of {zone_words(new)}, which takes a minute"
        " or more."
    )
    if closed := BookClosing.objects.count():
        months = "1 closed month keeps" if closed == 1 else f"{closed} closed months keep"
        yield (
            f"{months} the days of {zone_words(old)}. The next month of the books begins where the"
            " last closed one ended, so nothing is missing or counted twice."
        )


@admin.register(LocaleVersion)
class LocaleVersionAdmin(GroupAdmin):
    """Where the business is, and how it writes."""

    group = rules.LOCALE
    group_form = LocaleForm
    about = (
        "How pages, messages, and PDFs write days, times, and amounts, and what’s assumed of"
        " members who haven’t said otherwise."
    )
    settings = (
        Setting(
            "time_zone",
            "Time zone",
            "TIME_ZONE",
            lambda: settings.TIME_ZONE,
            zone_words,
            lambda row: row.time_zone or None,
        ),
        Setting(
            "locale",
            "Numbers and dates",
            "LOCALE",
            lambda: settings.LOCALE,
            written,
            lambda row: row.locale or None,
        ),
        Setting(
            "country",
            "Country",
            "PHONE_DEFAULT_REGION",
            lambda: region.of_environment().country,
            country_words,
            lambda row: row.country or None,
        ),
        Setting(
            "language",
            "Language",
            "",
            lambda: region.current().language,
            _language_words,
            lambda row: row.language or None,
        ),
        Setting(
            "languages",
            "Offered languages",
            "",
            lambda: [code for code, _name in _languages()],
            _languages_words,
        ),
    )

    def words(self, name: str, value: Any) -> str:
        """Return a version's value in words; empty is the environment's."""
        return super().words(name, value or None)

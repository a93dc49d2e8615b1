"""Days and amounts are written as the owner's locale has it; US English by default."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.template import Context, Template
from django.test import override_settings
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from common import days, locales
from common.money import (
    AmountError,
    decimals,
    format_money,
    parse_money,
    plain_amount,
    symbol,
    typed_amount,
)

FRIDAY = datetime(2026, 12, 4, 21, 5, tzinfo=UTC)
LOCALES = ["en_US", "en_GB", "de_DE", "de_CH", "fr_FR", "ja_JP", "es_US", "pt_BR", "en_IN", "sv_SE"]
NBSP, THIN = "\u00a0", "\u202f"


@pytest.mark.parametrize(
    ("locale", "amount", "currency", "text"),
    [
        ("en_US", 123456789, "usd", "$1,234,567.89"),
        ("en_US", -2900, "usd", "−$29.00"),
        ("en_US", 2900, "eur", "€29.00"),
        ("en_US", 2900, "cad", "CA$29.00"),
        ("en_US", 2900, "aud", "A$29.00"),
        ("en_GB", 2900, "gbp", "£29.00"),
        ("en_GB", 2900, "usd", "US$29.00"),
        ("de_DE", 2900, "usd", f"29,00{NBSP}$"),
        ("de_DE", 123456789, "eur", f"1.234.567,89{NBSP}€"),
        ("de_DE", -2900, "eur", f"−29,00{NBSP}€"),
        ("fr_FR", 123456789, "eur", f"1{THIN}234{THIN}567,89{NBSP}€"),
        ("fr_FR", 2900, "usd", f"29,00{NBSP}$US"),
        ("ja_JP", 2900, "jpy", "￥2,900"),
        ("ja_JP", 2900, "usd", "$29.00"),
        ("en_IN", 123456789, "inr", "₹12,34,567.89"),
    ],
)
def test_amounts_by_locale(
    settings: Settings, locale: str, amount: int, currency: str, text: str
) -> None:
    settings.LOCALE = locale
    assert format_money(amount, currency) == text


@pytest.mark.parametrize(
    ("locale", "language", "near", "far", "short", "at"),
    [
        ("en_US", "en", "Friday, December 4", "Friday, December 4, 2026", "Dec 4", "9:05 PM"),
        ("en_GB", "en", "Friday 4 December", "Friday, 4 December 2026", "4 Dec", "21:05"),
        ("de_DE", "de", "Freitag, 4. Dezember", "Freitag, 4. Dezember 2026", "4. Dez.", "21:05"),
        ("fr_FR", "fr", "vendredi 4 décembre", "vendredi 4 décembre 2026", "4 déc.", "21:05"),
        ("ja_JP", "ja", "12月4日金曜日", "2026年12月4日金曜日", "12月4日", "21:05"),
        # Sentences that aren't translated yet: their words, the owner's order.
        ("de_DE", "en", "Friday 4 December", "Friday, 4 December 2026", "4 Dec", "21:05"),
        # A member's language in the owner's country.
        ("en_US", "es", "viernes, 4 de diciembre", "viernes, 4 de diciembre de 2026", "4 dic",
         "9:05 PM"),
    ],
)  # fmt: skip
def test_days_by_locale_and_language(
    settings: Settings, locale: str, language: str, near: str, far: str, short: str, at: str
) -> None:
    settings.LOCALE = locale
    with translation.override(language):
        assert days.weekday_and_day(FRIDAY) == near
        assert days.full(FRIDAY) == far
        assert days.short(FRIDAY) == short
        assert days.clock(FRIDAY).replace("p.m.", "PM").replace(NBSP, " ") == at


def test_us_english_is_the_default_on_pages(settings: Settings) -> None:
    assert settings.LOCALE == "en_US"
    with timezone.override(UTC):
        page = Template("{% date at %}{% date at short=True %}{{ at|on_day }} {{ at|in_month }}")
        text = page.render(Context({"at": FRIDAY.replace(year=2031)}))
    assert ">December 4, 2031<" in text
    assert ">Dec 4, 2031<" in text
    assert "December 4, 2031 December 2031" in text
    assert 'title="Thursday, December 4, 2031, 9:05 PM UTC"' in text


def test_the_tag_follows_the_owners_locale(settings: Settings) -> None:
    settings.LOCALE = "de_DE"
    with timezone.override(UTC), translation.override("de"):
        text = Template("{% date at short=True %}").render(Context({"at": FRIDAY}))
    assert ">4. Dez. 2026<" in text


@pytest.mark.parametrize(
    ("locale", "text", "amount"),
    [
        ("de_DE", "29,00", 2900),
        ("de_DE", "1.234,50 $", 123450),
        ("de_DE", "1.234", 123400),
        ("de_DE", "29", 2900),
        ("fr_FR", "1 234,50", 123450),
        ("fr_FR", f"1{THIN}234,50 USD", 123450),
        ("de_CH", "1'234.50", 123450),
        ("en_GB", "US$1,234.50", 123450),
        ("en_IN", "12,345.50", 1234550),
    ],
)
def test_amounts_are_typed_as_the_locale_writes_them(
    settings: Settings, locale: str, text: str, amount: int
) -> None:
    settings.LOCALE = locale
    assert parse_money(text, "usd") == amount


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("de_DE", "4.50"),
        ("de_DE", "$40"),
        ("de_DE", "1,234.50"),
        ("fr_FR", "4.50"),
        ("en_US", "4,50"),
    ],
)
def test_no_amount_is_guessed(settings: Settings, locale: str, text: str) -> None:
    settings.LOCALE = locale
    with pytest.raises(AmountError):
        parse_money(text, "usd")


@given(
    locale=st.sampled_from(LOCALES),
    amount=st.integers(0, 99_999_990),
    currency=st.sampled_from(["USD", "EUR", "JPY", "KWD", "CHF"]),
)
def test_what_is_written_can_be_typed_in_every_locale(
    locale: str, amount: int, currency: str
) -> None:
    amount -= amount % 10 if decimals(currency) == 3 else 0
    before = parse_money(plain_amount(amount, currency), currency, locales.PLAIN)
    assert before == amount
    with override_settings(LOCALE=locale):
        assert parse_money(format_money(amount, currency), currency) == amount
        assert parse_money(typed_amount(amount, currency), currency) == amount


def test_files_for_machines_stay_the_same(settings: Settings) -> None:
    settings.LOCALE = "de_DE"
    assert plain_amount(123450, "usd") == "1234.50"
    assert typed_amount(123450, "usd") == "1234,50"
    assert symbol("usd") == "$"
    assert symbol("chf") == ""


@pytest.mark.parametrize("name", ["", "xx", "de_XX_YY_ZZ", "german", "../etc"])
def test_a_name_that_is_no_locale_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ValueError, match="such as en_US"):
        locales.find(name)

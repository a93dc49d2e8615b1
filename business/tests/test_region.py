"""Time and place: what owners saved wins over the environment, wherever it's asked for."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import Settings

from billing.facts import daily
from billing.models import BookClosing, FactState
from billing.tests import factories
from billing.tests.staff_world import owner, signed_in_now
from business import rules
from business.models import LocaleVersion
from common import countries, days, region
from common.money import Money, parse_money
from members import languages, phones
from members.models import PhoneCode
from members.tests.actors import ALICE, alice, browser, enter_email_code, enter_phone_code, sign_up
from portal.backoffice.time_and_place import LocaleForm, every_locale, written

pytestmark = pytest.mark.django_db

PAGE = "/staff/business/localeversion/"
LATE = datetime(2026, 12, 4, 23, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def environment(settings: Settings) -> None:
    """What the environment says."""
    settings.TIME_ZONE, settings.LOCALE = "America/New_York", "en_US"
    settings.PHONE_DEFAULT_REGION, settings.SMS_COUNTRIES = "US", ["US", "CA"]


@pytest.fixture
def two_languages(settings: Settings) -> Iterator[None]:
    """Pages that can be read in English and German: Django has its own German words."""
    settings.LANGUAGES = [("en-us", "English"), ("de", "Deutsch")]
    yield
    translation.activate("en-us")


def put(**values: Any) -> LocaleVersion:
    row = rules.LOCALE.newest()
    return rules.LOCALE.save(values, None, based_on=row.version if row else 0)


def save(client: Client, **values: Any) -> Any:
    """Press Save, and once more if the page says what follows."""
    answer = client.post(PAGE, {"based_on": 0, **values})
    if answer.status_code == 200:
        agreed = answer.context["form"].fingerprint
        answer = client.post(PAGE, {"based_on": 0, "agreed": agreed, **values})
    return answer


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_what_was_saved_wins_and_what_was_left_empty_is_the_environments(
    settings: Settings,
) -> None:
    assert region.current() == region.of_environment()
    put(time_zone="Europe/Berlin", country="DE")
    now = region.current()
    assert (now.time_zone, now.country, now.locale) == ("Europe/Berlin", "DE", "en_US")
    settings.LOCALE, settings.TIME_ZONE = "en_GB", "Asia/Tokyo"
    assert region.current().locale == "en_GB"
    assert region.current().time_zone == "Europe/Berlin"
    put()
    assert region.current() == region.of_environment()
    assert region.zone().key == "Asia/Tokyo"


def test_what_is_no_longer_known_counts_as_empty() -> None:
    put(time_zone="Mars/Olympus", locale="xx_XX", languages=["tlh"], language="tlh")
    assert region.current() == region.of_environment()


def test_days_amounts_and_numbers_follow_it() -> None:
    put(locale="de_DE", country="DE", time_zone="Asia/Tokyo")
    assert days.long(date(2026, 12, 4)) == "4 December 2026"
    assert str(Money(123_456, "eur")) == "1.234,56\u00a0€"
    assert parse_money("1.234,56", "eur") == 123_456
    assert countries.own() == "DE"
    assert countries.choices()[0][0] == "DE"
    assert daily.day_of(LATE) == date(2026, 12, 5)


def test_a_number_without_a_country_is_the_countrys(settings: Settings) -> None:
    with pytest.raises(ValidationError):
        phones.normalize("0151 23456789")
    settings.SMS_COUNTRIES = ["DE"]
    put(country="DE")
    assert phones.normalize("0151 23456789") == "+4915123456789"


def test_numbers_are_read_and_found_as_the_country_in_force_writes_them(
    settings: Settings,
) -> None:
    settings.SMS_COUNTRIES = ["US", "DE"]
    put(country="DE")
    visitor = browser()
    sign_up(visitor, phone="0151 23456789")
    enter_email_code(visitor)
    enter_phone_code(visitor, "+4915123456789")
    user = User.objects.get(email=ALICE)
    assert str(user.member.phone) == "+4915123456789"
    assert {str(one.phone) for one in PhoneCode.objects.all()} == {"+4915123456789"}
    PhoneCode.objects.update(user=None)
    desk = signed_in_now(owner())
    for name in ("auth_user", "members_phonecode"):
        for term, is_found in (("0151 2345", True), ("0151 23456789", True), ("0152 2345", False)):
            page = text_of(desk.get(reverse(f"admin:{name}_changelist"), {"q": term}))
            shown = "Alice Archer" in page or "+4915123456789" in page
            assert shown is is_found, (name, term)


def test_pages_jobs_and_machines_run_by_its_clock_unless_a_member_has_their_own(
    settings: Settings,
) -> None:
    put(time_zone="Asia/Tokyo")
    with region.in_force():
        assert timezone.localtime(LATE).day == 5
    wrapped = [one.__name__ for one in settings.PROCRASTINATE_WORKER_DEFAULTS["task_middleware"]]
    assert wrapped == ["around_job"]
    in_job: Any = region.around_job
    assert in_job(timezone.get_current_timezone_name, None, None) == "Asia/Tokyo"
    page = text_of(browser(alice()).get("/account/"))
    assert "time zone (Tokyo)" in page


def test_a_change_of_the_clock_counts_the_days_again() -> None:
    daily.rebuild()
    assert FactState.objects.get().time_zone == "America/New_York"
    put(time_zone="Asia/Tokyo")
    daily.refresh()
    assert FactState.objects.get().time_zone == "Asia/Tokyo"


def test_owners_save_it_with_a_history_and_learn_first_what_follows() -> None:
    boss = signed_in_now(owner())
    page = text_of(boss.get(PAGE))
    assert "Environment (TIME_ZONE)" in page
    assert "English (United States): December 4, 2026, 9:05 PM, 1,234.56" in page
    BookClosing.objects.create(
        number=1, month=date(2026, 7, 1), time_zone="America/New_York", statements=[],
        closed_at=LATE, closed_by=owner(), previous_hash="0" * 64, hash="1" * 64,
    )  # fmt: skip
    values = {"time_zone": "Europe/Berlin", "locale": "de_DE", "country": "DE"}
    answer = boss.post(PAGE, {"based_on": 0, **values})
    assert "1 closed month keeps the days of New York" in text_of(answer)
    assert "Numbers in Germany get no texts" in text_of(answer)
    assert "Amounts are typed as 1.234,56" in text_of(answer)
    assert not LocaleVersion.objects.exists()
    assert save(boss, **values).status_code == 302
    page = text_of(boss.get(PAGE))
    assert "<del>the environment’s</del> → <ins>Berlin (UTC" in page
    assert "German (Germany): 4. Dezember 2026, 21:05, 1.234,56" in page
    assert "Olga Owner" in page
    assert region.current().time_zone == "Europe/Berlin"


@pytest.mark.parametrize(
    "values", [{"time_zone": "Mars/Olympus"}, {"locale": "fa_IR"}, {"country": "XX"}]
)
def test_only_what_is_in_the_lists_can_be_saved(values: dict[str, str]) -> None:
    answer = save(signed_in_now(owner()), **values)
    assert answer.status_code == 400
    assert "Choose one from the list." in text_of(answer)
    assert not LocaleVersion.objects.exists()


def test_every_locale_in_the_list_can_be_written() -> None:
    names = [name for name, _words in every_locale()]
    assert len(names) > 400
    assert all("34" in written(name) for name in names)


def test_one_language_is_no_choice(settings: Settings) -> None:
    settings.LANGUAGES = [("en-us", "English")]
    assert "languages" not in LocaleForm().fields


@pytest.mark.usefixtures("two_languages")
def test_visitors_read_what_is_offered_and_else_the_businesss_language() -> None:
    def language_of(accepted: str) -> str:
        header = {"Accept-Language": accepted}
        return str(Client().get("/accounts/login/", headers=header)["Content-Language"])

    assert language_of("de-AT,de;q=0.9") == "de"
    assert language_of("fr") == "en-us"
    # A locale brings its language along, as the environment's does.
    put(locale="de_DE")
    assert (language_of("fr"), language_of("en")) == ("de", "en-us")
    put(languages=["en-us"])
    assert language_of("de") == "en-us"
    put(language="de", languages=["de"])
    assert language_of("en") == "de"


@pytest.mark.usefixtures("two_languages")
def test_members_choose_among_what_is_offered() -> None:
    user = alice()
    user.member.language = "de"
    user.member.save()
    assert languages.offered("de") == "de"
    assert 'name="language"' in text_of(browser(user).get("/account/"))
    put(languages=["en-us"])
    assert languages.offered("de") == "en-us"
    assert 'name="language"' not in text_of(browser(user).get("/account/"))


@pytest.mark.usefixtures("two_languages")
def test_a_language_that_is_not_offered_cannot_be_the_businesss() -> None:
    answer = save(signed_in_now(owner()), language="de", languages=["en-us"])
    assert "Offer Deutsch, too, or choose another." in text_of(answer)
    assert not LocaleVersion.objects.exists()


def test_members_and_strangers_see_nothing_of_it() -> None:
    member = Client()
    member.force_login(factories.make_member())
    for client in (member, Client()):
        for answer in (client.get(PAGE), client.post(PAGE, {"country": "DE", "based_on": 0})):
            assert answer.status_code in {302, 403}
    assert not LocaleVersion.objects.exists()

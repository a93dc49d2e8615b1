"""What the staff read in emails and beside them, in made-up catalogs of several languages.

A catalog has whatever the sources mark, each text between its language's marks. So what isn't
marked, or what the search for marked texts doesn't find, stands outside of them. Names and such are
Greek.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import Settings

from billing.admin.numbers_pages import COLUMNS, WHATS
from billing.facts import daily
from billing.facts.measures import MEASURES
from billing.models import DayMail, MemberSpan, Subscription
from billing.tests.staff_world import superuser
from common import translations
from common.staff import ages
from emails import rendering
from emails.catalog import CATALOG, Kind
from emails.models import Message
from emails.names import NAMES, name_of
from members.models import Member
from portal.backoffice import check_titles, machine_problems, more_samples, yesterday
from portal.backoffice.problem_facts import ProblemFacts
from portal.doctor import recorded, running
from portal.models import Diagnosis
from portal.tests.backoffice.test_yesterday import failed, morning, span
from portal.tests.test_marked_for_translation import CLOSE, OPEN, Unmarked
from portal.tests.test_marked_messages import greek, words_of
from testing import other_words

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ROOT = Path(django_settings.BASE_DIR)
# One with as many forms of a plural as English, and one with more.
LANGUAGES = ("de", "pl")
CONTENT = re.compile(r'<p class="staff-lead">.*?</section>(\s*<nav.*?</nav>)?', re.DOTALL)
TWO_DAYS = {"de": "2 Tage her", "pl": "2 dni temu"}


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a catalog of each language, which has all marked texts."""
    folder, found = tmp_path_factory.mktemp("locale"), list(translations.extract(ROOT))
    for language in LANGUAGES:
        catalog = Catalog(locale=language, charset="utf-8", fuzzy=False)
        for one in (one for one in found if one.id):
            many = [f"{OPEN}{language} {words}{CLOSE}" for words in _forms(one.id)]
            forms = tuple(many[:1] + many[-1:] * (catalog.num_plurals - 1))
            catalog.add(one.id, forms if len(many) > 1 else many[0], context=one.context)
        file = translations.file_of(folder, language, translations.MO)
        file.parent.mkdir(parents=True)
        with file.open("wb") as writer:
            write_mo(writer, catalog)
    return folder


def _forms(words: object) -> list[str]:
    return [words] if isinstance(words, str) else list(words)  # type: ignore[call-overload]


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest, settings: Settings, catalogs: Path) -> Iterator[str]:
    """The language of the business and of whoever reads, with its made-up catalog."""
    settings.LOCALE_PATHS = [catalogs]
    settings.LANGUAGES = [("en-us", "English"), ("de", "Deutsch"), ("pl", "Polski")]
    settings.LANGUAGE_CODE = request.param
    settings.BRAND_NAME = "Ωμέγα"
    settings.PORTAL_URL = "https://portal.example.com"
    with other_words.forgotten_afterward(), translation.override(request.param):
        yield request.param


def without_dates(text: str, language: str) -> str:
    """Return a text without the names of months and days, which the language has anyway."""
    locale = Locale(language)
    forms = (*locale.months.values(), *locale.days.values())
    names = {name for form in forms for width in form.values() for name in width.values()}
    longest = sorted((re.escape(name) for name in names if len(name) > 1), key=len, reverse=True)
    return re.sub(rf"\b({'|'.join(longest)})(?!\w)", " ", text)


def outside(*said: str) -> list[str]:
    """Return what's outside of the marks of texts that people read."""
    return [words for text in said for words in Unmarked(html.escape(text)).found]


def test_each_sample_is_in_its_readers_language(language: str) -> None:
    found: Mapping[str, list[str]] = {}
    for kind in CATALOG:
        for sample in more_samples.of_kind(kind)[:1]:
            facts = {name: greek(fact) for name, fact in sample.context.as_json().items()}
            parts = list(words_of(kind, facts))
            assert any(f"{OPEN}{language} " in part for part in parts), kind
            shown = [without_dates(part, language) for part in parts]
            left = [words for part in shown for words in Unmarked(part).found]
            found = {**found, kind: left} if left else found
    assert found == {}


def test_kinds_of_messages_checks_and_ages_have_names_in_each_language(language: str) -> None:
    assert set(NAMES) == set(Kind)
    assert {check.key for check in running.ALL} == set(check_titles.TITLES)
    titles = [check.title for check in running.ALL if check.title not in ("DKIM", "SPF")]
    names = [name_of(kind) for kind in Kind]
    assert outside(*titles, *names, *map(str, COLUMNS), *map(str, WHATS.values())) == []
    now = timezone.now()
    lengths = [timedelta(milliseconds=1), *(timedelta(seconds=count) for count in (3, 300, 30000))]
    assert outside(*(ages.how_long(now - length, now) for length in lengths)) == []
    assert ages.age(now - timedelta(days=2), now).replace("\xa0", " ") == TWO_DAYS[language]


def test_the_email_about_yesterday_is_in_its_readers_language(
    language: str, settings: Settings
) -> None:
    owner = superuser()
    settings.LANGUAGE_CODE = "en-us"
    Member.objects.filter(user=owner).update(language=language)
    DayMail.objects.create(user=owner)
    for membership in ("new", "lost", "returned"):
        span("Ωμέγα Άλφα", membership)
    Subscription.objects.update(name="Μέλος")
    failed("payment_failed", context={"amount": "$29.00", "reason": "Μάθημα."})
    failed("welcome")
    failed("refund_sent", channel="sms")
    User.objects.exclude(pk=owner.pk).update(first_name="Ωμέγα", last_name="Άλφα")
    with translation.override("en-us"):
        assert yesterday.send(morning()) == 1
    message = Message.objects.get(kind="yesterday")
    told = [message.context["headline"]]
    for name in ("joined", "lost", "failed_payments", "failed_messages"):
        told += message.context[name]
    assert len(told) == 8
    assert outside(*told) == []
    assert f"{OPEN}{language} Refund sent{CLOSE}" in " ".join(told)
    mail = rendering.render_email(message)
    assert Unmarked(html.escape(mail.subject)).found == []


def test_a_check_up_names_its_checks_in_the_readers_language(language: str) -> None:
    """It was stored by the worker, in the language of the business."""
    now = timezone.now()
    found = [
        {"key": key, "title": "Stored", "outcome": "fail", "text": "Μάθημα", "remedy": ""}
        for key in ("mail.server", "host.disk")
    ]
    row = Diagnosis(pk=1, findings=found, begun_at=now, finished_at=now)
    [problem] = machine_problems._check_up(ProblemFacts(now=now, check_up=row))
    assert f"{OPEN}{language} Disk space{CLOSE}" in problem.text
    assert outside(problem.text, problem.action) == []
    assert outside(*(one.title for one in recorded.findings(row))) == []
    gone = {**found[0], "key": "mail.gone"}
    assert check_titles.of(gone) == "Stored"


def test_the_pages_of_the_numbers_are_in_the_readers_language(
    language: str, client: Client
) -> None:
    owner = superuser()
    Member.objects.filter(user=owner).update(language=language)
    client.force_login(owner)
    span("Ωμέγα Άλφα", "new")
    day = f"{morning().date() - timedelta(days=1)}"
    MemberSpan.objects.update(day=day)
    daily.rebuild()
    left = {}
    for key in MEASURES:
        url = reverse("admin:billing_subscription_number", args=[key])
        answer = client.get(url, {"currency": "usd", "from": day, "to": day})
        assert answer.status_code == 200
        content = CONTENT.search(answer.content.decode())
        assert content is not None
        words = without_dates(content[0].replace("XLSX", " "), language)
        assert f"{OPEN}{language} " in words
        if found := Unmarked(words).found:
            left[key] = found
    assert left == {}

"""Icons, badges and dates, as pages show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.template import engines
from django.utils import timezone
from django.utils.safestring import SafeString

from common.components import CARD_PICTURES

NEW_YORK, AUCKLAND = ZoneInfo("America/New_York"), ZoneInfo("Pacific/Auckland")
EVENING = datetime(2019, 3, 8, 2, 5, 6, tzinfo=UTC)


def shown(template: str, **context: Any) -> str:
    """Return what a page would have of it."""
    return str(engines["django"].from_string(template).render(context)).strip()


@pytest.mark.parametrize(
    ("zone", "exact", "day"),
    [
        (NEW_YORK, "Thursday, March 7, 2019, 9:05 PM EST", "March 7, 2019"),
        (AUCKLAND, "Friday, March 8, 2019, 3:05 PM NZDT", "March 8, 2019"),
    ],
)
def test_a_date_is_the_readers_day(zone: ZoneInfo, exact: str, day: str) -> None:
    with timezone.override(zone):
        html = shown("{% date at %}", at=EVENING)
    assert f'title="{exact}"' in html
    assert f">{day}</time>" in html
    assert f'datetime="{EVENING.astimezone(zone).isoformat()}"' in html


def test_this_year_is_not_said_and_a_short_date_has_its_year() -> None:
    now = timezone.localtime()
    html = shown("{% date at %}", at=now)
    assert f">{now:%A, %B} {now.day}</time>" in html
    assert ">Mar 7, 2019</time>" in shown("{% date at short=True %}", at=EVENING)


def test_a_sentence_may_end_with_a_date() -> None:
    assert shown("Until {% date at %}.", at=EVENING).endswith("</time>.")
    assert shown("Until {% date at %}.", at=EVENING).startswith("Until <time")


def test_no_date_is_an_empty_one() -> None:
    assert shown("{% date at %}", at=None) == '<time datetime="" title=""></time>'


def test_words_of_others_are_escaped() -> None:
    html = shown("{% badge 'good' label %}", label="<b>")
    assert '<span class="badge is-good"><svg' in html
    assert "&lt;b&gt;</span>" in html
    assert "&lt;b&gt;" in shown("{% icon name %}", name="<b>")


def test_a_safe_label_that_was_shown_before_makes_no_equal_one_safe() -> None:
    assert "<i>" in shown("{% badge 'good' label %}", label=SafeString("<i>"))
    assert "<i>" not in shown("{% badge 'good' label %}", label="<i>")


@pytest.mark.parametrize(
    ("method", "picture"),
    [
        ("visa", "visa"),
        ("amex", "amex"),
        ("us_bank_account", "bank"),
        ("sepa_debit", "bank"),
        ("zelle", "bank"),
        ("link", "card"),
        ("a_brand_of_tomorrow", "card"),
        ("../../etc/passwd", "card"),
    ],
)
def test_a_payment_method_has_a_picture(method: str, picture: str) -> None:
    html = shown("{% card_picture method %}", method=method)
    assert f"/static/cards/{picture}" in html
    assert 'alt=""' in html


def test_no_payment_method_has_no_picture() -> None:
    assert shown("{% card_picture method %}", method="") == ""


def test_every_picture_that_can_be_named_is_there() -> None:
    there = {path.stem for path in (settings.BASE_DIR / "static" / "cards").glob("*.svg")}
    assert there == CARD_PICTURES | {"bank", "card"}

"""What staff saved wins over the environment, which fills what they left empty."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from business import brand, kept, versions
from business.models import BrandVersion
from common.context import current_brand
from common.postgres import CHECKOUT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def environment(settings: Settings) -> None:
    """What the environment says."""
    settings.BRAND_NAME = "Harbor Yoga"
    settings.BRAND_COLOR = "#2f5d50"
    settings.SUPPORT_EMAIL = "help@harbor.example"
    settings.POSTAL_ADDRESS = "1 Harbor Street"
    settings.PUBLIC_SITE_URL = "https://harbor.example"


def save(**values: Any) -> BrandVersion:
    """Put a version in force, with what the newest one says besides."""
    newest = BrandVersion.objects.first()
    said = versions.values_of(newest) if newest else {}
    based_on = newest.version if newest else 0
    saved = versions.save(BrandVersion, said | values, None, based_on=based_on)
    brand.forget()
    return saved


PRECEDENCE = {
    "name": ("Harbor Yoga", "Quay Pilates"),
    "color": ("#2f5d50", "#aa3300"),
    "support_email": ("help@harbor.example", "hello@quay.example"),
    "postal_address": ("1 Harbor Street", "2 Quay Street"),
    "public_site_url": ("https://harbor.example", "https://quay.example/"),
}


@pytest.mark.parametrize("name", PRECEDENCE)
def test_what_staff_saved_wins_and_what_they_emptied_is_the_environments(name: str) -> None:
    of_environment, of_staff = PRECEDENCE[name]
    assert getattr(current_brand(), name) == of_environment
    save(**{name: of_staff})
    assert getattr(current_brand(), name) == of_staff
    for other, (kept_value, _) in PRECEDENCE.items():
        assert other == name or getattr(current_brand(), other) == kept_value
    save(**{name: ""})
    assert getattr(current_brand(), name) == of_environment


def test_what_only_staff_can_say_is_empty_until_they_do() -> None:
    empty = current_brand()
    assert (empty.tagline, empty.benefits, empty.socials, empty.logo_url) == ("", (), (), "")
    save(
        tagline="Breathe by the water",
        benefits=[{"icon": "leaf", "text": "Unlimited classes", "url": ""}],
        socials=[{"name": "Instagram", "url": "https://instagram.com/harbor"}],
    )
    said = current_brand()
    assert said.tagline == "Breathe by the water"
    assert [(one.icon, one.text, one.url) for one in said.benefits] == [
        ("leaf", "Unlimited classes", "")
    ]
    assert said.socials[0].name == "Instagram"


def test_pages_ask_the_database_once_in_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    save(name="Quay Pilates")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        for _ in range(20):
            assert current_brand().name == "Quay Pilates"
    assert len([one for one in asked if "business_brandversion" in one["sql"]]) == 1
    # Another process saves: this one hears of it when what it knows is too old.
    BrandVersion.objects.create(version=2, name="Pier Pilates")
    assert current_brand().name == "Quay Pilates"
    monkeypatch.setattr(kept, "MAX_AGE", 0.0)
    assert current_brand().name == "Pier Pilates"


def test_the_transaction_around_a_failed_read_still_works(caplog: pytest.LogCaptureFixture) -> None:
    brand.forget()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE business_brandversion RENAME TO elsewhere")
    with transaction.atomic():
        assert current_brand().name == "Harbor Yoga"
        assert "Settings can't be read" in caplog.text
        User.objects.create(username="still-here")
    assert User.objects.filter(username="still-here").exists()


def test_a_page_shows_what_was_saved(client: Client) -> None:
    save(name="Quay Pilates", color="#aa3300")
    page = client.get("/accounts/login/").content.decode()
    assert "Quay Pilates" in page
    assert "%23aa3300" in page
    assert "--brand: #aa3300" in client.get("/brand.css").content.decode()


def test_of_two_who_save_at_once_the_second_is_told() -> None:
    save(name="Quay Pilates")
    with pytest.raises(versions.Overtaken) as overtaken:
        versions.save(BrandVersion, {"name": "Pier"}, None, based_on=0)
    assert overtaken.value.newest == 1
    assert BrandVersion.objects.count() == 1


def test_the_history_says_what_changed_from_what_to_what() -> None:
    first = save(name="Quay Pilates")
    second = save(name="Pier Pilates", tagline="On the water")
    said = [(one.label, one.before, one.after) for one in versions.changes(first, second)]
    assert said == [
        ("Name", "Quay Pilates", "Pier Pilates"),
        ("Tagline", "", "On the water"),
    ]
    assert [one.name for one in versions.changes(None, first)] == ["name"]


# They know the environment's brand by its settings; all other code asks for the brand in force.
OF_ENVIRONMENT = {"common/context.py", "emails/mail.py", "portal/settings.py"}
PRODUCT = ("billing", "business", "common", "emails", "members", "portal")


def test_no_code_reads_the_environments_brand_past_what_staff_saved() -> None:
    asked = re.compile(
        r"settings\.(BRAND_NAME|BRAND_COLOR|SUPPORT_EMAIL|POSTAL_ADDRESS|PUBLIC_SITE)"
    )
    for app in PRODUCT:
        for file in (CHECKOUT / app).rglob("*.py"):
            name = str(file.relative_to(CHECKOUT))
            if "tests" not in file.parts and name not in OF_ENVIRONMENT:
                assert not asked.search(file.read_text()), name

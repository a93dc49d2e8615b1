"""The way to Stripe's page for changing a card, and an account that has none yet."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from billing import tasks
from billing.models import MissingSetup
from billing.tests.life import paid_member
from billing.tests.staff_world import support
from conftest import Sandbox
from emails.models import Message
from portal.tasks import watch_for_problems

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(sandbox: Sandbox) -> User:
    return paid_member(sandbox)


def staff_home(client: Client) -> str:
    client.force_login(support())
    return str(client.get("/staff/").content.decode())


def test_the_page_opens(sandbox: Sandbox, client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post("/membership/card/")
    assert answer["Location"].startswith(f"{sandbox.url}/portal/")


@pytest.mark.slow
def test_without_a_portal_the_member_is_told_to_ask_and_staff_what_to_do(
    sandbox: Sandbox, client: Client, alice: User, settings: Settings
) -> None:
    settings.STAFF_EMAIL = ["owner@example.com"]
    sandbox.control("switches", portal_not_set_up=True)
    client.force_login(alice)
    page = client.post("/membership/card/", follow=True).content.decode()
    assert "Please write to" in page
    assert settings.SUPPORT_EMAIL in page
    told = page[page.index('id="toasts"') : page.index("<main")]
    for wrong in ("try again", "configuration", "Stripe"):
        assert wrong not in told

    home = staff_home(client)
    assert "Members can’t change their card" in home
    assert "Settings → Billing → Customer portal" in home
    row = MissingSetup.objects.get()
    shown = client.get(f"/staff/billing/missingsetup/{row.pk}/change/").content.decode()
    assert "dashboard.stripe.com/test/settings/billing/portal" in shown
    for _ in range(2):
        watch_for_problems(0)
    assert Message.objects.filter(kind="problem_found").count() == 1

    sandbox.control("switches", portal_not_set_up=False)
    client.force_login(alice)
    assert client.post("/membership/card/")["Location"].startswith(f"{sandbox.url}/portal/")
    assert "Members can’t change their card" not in staff_home(client)


def test_it_is_noticed_before_a_member_meets_it(sandbox: Sandbox, client: Client) -> None:
    sandbox.control("switches", portal_not_set_up=True)
    tasks.check_setup(0)
    assert "Members can’t change their card" in staff_home(client)
    sandbox.control("switches", portal_not_set_up=False)
    tasks.check_setup(0)
    assert not MissingSetup.objects.exists()


def test_a_key_that_may_not_look_says_nothing(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    tasks.check_setup(0)
    assert not MissingSetup.objects.exists()

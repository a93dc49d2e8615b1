"""Records: who signed in and how, and who agreed to which terms, where."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.tests import factories
from billing.tests.life import sign_up as make_member
from billing.tests.staff_world import auditor
from conftest import Sandbox
from members import tasks
from members.models import SignIn, TermsAcceptance
from members.tests.actors import (
    ALICE,
    BOB,
    alice,
    bob,
    browser,
    enter_email_code,
    last_code,
    log_in,
    post,
    sign_up,
)

pytestmark = pytest.mark.django_db
TERMS = "https://www.example.com/terms"


@pytest.fixture
def terms(settings: Settings) -> Settings:
    """Terms are in force."""
    settings.TERMS_URL, settings.TERMS_VERSION = TERMS, "2026-01-01"
    return settings


# Sign-ins


def test_a_sign_in_is_remembered_with_address_browser_and_way() -> None:
    user = alice()
    client = browser(address="192.0.2.7")
    client.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 Firefox/140.0"
    log_in(client)
    row = SignIn.objects.get()
    assert (row.user, row.ip, row.method) == (user, "192.0.2.7", "password")
    assert row.user_agent == "Mozilla/5.0 Firefox/140.0"
    assert timezone.now() - row.happened_at < timedelta(minutes=1)


def test_signing_out_forgets_nothing() -> None:
    alice()
    client = browser()
    log_in(client)
    post(client, "account_logout")
    assert SignIn.objects.count() == 1


def test_a_wrong_password_is_no_sign_in() -> None:
    alice()
    log_in(browser(), password="wrong")
    assert not SignIn.objects.exists()


def test_a_code_by_e_mail_is_named_as_such() -> None:
    alice()
    client = browser()
    post(client, "account_request_login_code", email=ALICE)
    post(client, "account_confirm_login_code", code=last_code(ALICE))
    assert SignIn.objects.get().method == "code by email"


def test_a_sign_up_is_the_first_sign_in() -> None:
    client = browser(address="2001:db8::1")
    sign_up(client)
    assert not SignIn.objects.exists()
    enter_email_code(client)
    row = SignIn.objects.get()
    assert (row.ip, row.method) == ("2001:db8::1", "sign-up")


def test_a_browser_that_says_too_much_is_cut_short() -> None:
    alice()
    client = browser()
    client.defaults["HTTP_USER_AGENT"] = "x" * 2000
    log_in(client)
    assert len(SignIn.objects.get().user_agent) == 500


def test_old_sign_ins_are_forgotten(settings: Settings) -> None:
    settings.SIGN_INS_KEPT_DAYS = 540
    user = alice()
    for days in (1, 539, 541):
        row = SignIn.objects.create(user=user, ip="192.0.2.1")
        SignIn.objects.filter(pk=row.pk).update(happened_at=timezone.now() - timedelta(days=days))
    tasks.forget_sign_ins(0)
    assert SignIn.objects.count() == 2


# Terms


def test_signing_up_is_agreeing(terms: Settings) -> None:
    page = browser().get(reverse("account_signup")).content.decode()
    assert f'<a href="{TERMS}"' in page
    assert "By creating an account, you agree to" in page
    sign_up(browser(address="192.0.2.7"))
    row = TermsAcceptance.objects.get()
    assert (row.user.email, row.version, row.url) == (ALICE, "2026-01-01", TERMS)
    assert (row.where, row.ip) == ("signup", "192.0.2.7")


def test_an_address_that_is_taken_agrees_to_nothing(terms: Settings) -> None:
    alice()
    sign_up(browser())
    assert not TermsAcceptance.objects.exists()


def test_without_terms_no_line_is_shown_and_nothing_recorded() -> None:
    assert "you agree to" not in browser().get(reverse("account_signup")).content.decode()
    sign_up(browser())
    assert not TermsAcceptance.objects.exists()


def test_terms_without_a_version_are_known_by_their_address(terms: Settings) -> None:
    terms.TERMS_VERSION = ""
    sign_up(browser())
    assert TermsAcceptance.objects.get().version == TERMS


def test_joining_is_agreeing_once_a_version(
    client: Client, sandbox: Sandbox, terms: Settings
) -> None:
    factories.make_plan()
    user = make_member()
    client.force_login(user)
    assert "By joining, you agree to" in client.get(reverse("billing:membership")).content.decode()
    for _ in range(2):
        assert client.post(reverse("billing:subscribe")).status_code == 302
    assert [row.where for row in TermsAcceptance.objects.filter(user=user)] == ["join"]
    terms.TERMS_VERSION = "2027-01-01"
    client.post(reverse("billing:subscribe"))
    versions = TermsAcceptance.objects.order_by("pk").values_list("version", flat=True)
    assert list(versions) == ["2026-01-01", "2027-01-01"]


@pytest.mark.slow
def test_who_cannot_go_to_checkout_has_agreed_to_nothing(
    client: Client, sandbox: Sandbox, terms: Settings
) -> None:
    terms.STRIPE_API_BASE = "http://127.0.0.1:9"
    client.force_login(make_member())
    client.post(reverse("billing:subscribe"))
    assert not TermsAcceptance.objects.exists()


# On the staff site


def test_a_members_page_shows_their_sign_ins_and_terms(client: Client, terms: Settings) -> None:
    user, other = alice(), bob()
    SignIn.objects.create(user=user, ip="192.0.2.7", method="password")
    SignIn.objects.create(user=other, ip="203.0.113.9")
    for owner in (user, other):
        TermsAcceptance.objects.create(
            user=owner, version=f"Terms of {owner.first_name}", url=TERMS, where="join"
        )
    client.force_login(auditor())
    page = client.get(reverse("admin:auth_user_change", args=[user.pk])).content.decode()
    assert "192.0.2.7" in page
    assert "Terms of Alice" in page
    assert "203.0.113.9" not in page
    assert "Terms of Bob" not in page


def test_records_are_found_by_their_persons_name(client: Client) -> None:
    SignIn.objects.create(user=alice(), ip="192.0.2.7")
    SignIn.objects.create(user=bob(), ip="203.0.113.9")
    client.force_login(auditor())
    url = reverse("admin:members_signin_changelist")
    page = client.get(url, {"q": "bob"}).content.decode()
    assert BOB in page
    assert ALICE not in page
    assert "192.0.2.7" in client.get(url, {"q": "192.0.2.7"}).content.decode()


def test_who_is_deleted_takes_their_records_along() -> None:
    user = alice()
    SignIn.objects.create(user=user, ip="192.0.2.7")
    TermsAcceptance.objects.create(user=user, version="1", url=TERMS, where="join")
    User.objects.get(pk=user.pk).delete()
    assert not SignIn.objects.exists()
    assert not TermsAcceptance.objects.exists()

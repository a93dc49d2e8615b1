"""The staff site's frame: the environment label, the sidebar by role, and the CSP."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import Settings

from billing.tests import factories
from billing.tests.staff_world import auditor, make_failed_event, superuser
from portal.backoffice import navigation

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("key", "base", "label"),
    [
        ("sk_live_1", "", "Live"),
        ("sk_test_1", "", "Test mode"),
        ("sk_test_1", "http://127.0.0.1:8010", "Sandbox"),
        ("", "", "Stripe not set up"),
    ],
)
def test_the_label_says_whether_the_money_is_real(
    client: Client, settings: Settings, key: str, base: str, label: str
) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = key, base
    client.force_login(superuser())
    page = client.get(reverse("admin:index")).content.decode()
    assert label in page
    assert (f"<title>[{label}]" in page) == (label != "Live")


def test_a_badge_counts_what_failed_and_none_is_shown_for_nothing() -> None:
    request = RequestFactory().get("/staff/")
    request.user = auditor()
    assert _badges(navigation.sidebar(request)) == {}
    make_failed_event()
    request = RequestFactory().get("/staff/")
    request.user = auditor()
    assert _badges(navigation.sidebar(request)) == {"Webhook events": "1"}


def test_the_sidebar_has_only_what_one_may_open() -> None:
    request = RequestFactory().get("/staff/")
    request.user = factories.make_member("New Comer", is_staff=True)
    assert [group["title"] for group in navigation.sidebar(request)] == ["Overview"]


def test_the_brand_is_in_the_frame(client: Client, settings: Settings) -> None:
    client.force_login(superuser())
    page = client.get(reverse("admin:index")).content.decode()
    assert settings.BRAND_NAME in page
    assert "--color-primary-600: rgb(" in page
    assert "View portal" in page


def test_the_relaxed_policy_is_the_staff_sites_alone(client: Client) -> None:
    client.force_login(superuser())
    staff = client.get(reverse("admin:index")).headers["Content-Security-Policy"]
    assert "'unsafe-eval'" in staff
    portal = client.get(reverse("members:account")).headers["Content-Security-Policy"]
    assert "'unsafe-eval'" not in portal


def _badges(groups: list[dict[str, object]]) -> dict[str, str]:
    items = [item for group in groups for item in group["items"]]  # type: ignore[attr-defined]
    return {item["title"]: item["badge"] for item in items if "badge" in item}

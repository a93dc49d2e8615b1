"""The staff site's frame: the environment label, the sidebar by role, and the CSP."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
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
    assert _badges(navigation.sidebar(request)) == {"Health": "1"}
    assert navigation.tabs(request) == [], "Home is in no section."
    request.path = reverse("admin:billing_stripeevent_changelist")
    titles = [tab["title"] for tabs in navigation.tabs(request) for tab in tabs["items"]]
    assert "Webhook events (1)" in titles


def test_the_sidebar_has_only_what_one_may_open() -> None:
    request = RequestFactory().get("/staff/")
    request.user = factories.make_member("New Comer", is_staff=True)
    [group] = navigation.sidebar(request)
    assert [entry["title"] for entry in group["items"]] == ["Home"]
    assert navigation.tabs(request) == []


def test_the_sidebar_has_at_most_twelve_entries_and_no_list_is_missing() -> None:
    request = RequestFactory().get("/staff/")
    request.user = superuser()
    [group] = navigation.sidebar(request)
    assert len(group["items"]) <= 12
    reached = {item.model for section in navigation.SECTIONS for item in section.items}
    listed = {
        one.model._meta.label_lower
        for one in admin.site._registry.values()
        if one.has_module_permission(request)
    }
    # A profile is part of its member’s page.
    assert listed - reached == {"members.member"}


def test_an_entry_leads_to_the_first_list_that_one_may_open(client: Client) -> None:
    user = factories.make_member("Only Invoices", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_invoice"))
    request = RequestFactory().get("/staff/billing/invoice/5/change/")
    request.user = User.objects.get(pk=user.pk)
    [group] = navigation.sidebar(request)
    [_home, payments] = group["items"]
    assert payments["link"] == reverse("admin:billing_invoice_changelist")
    assert payments["active"]
    assert navigation.tabs(request) == []


def test_a_page_makes_no_list_of_all_models(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django would read the permissions and addresses of each model for it."""

    def build(*_arguments: object) -> None:
        raise AssertionError("This page asks for the list of all models.")

    monkeypatch.setattr(admin.site, "_build_app_dict", build)
    client.force_login(superuser())
    for name in ("admin:index", "admin:billing_invoice_changelist"):
        assert client.get(reverse(name)).status_code == 200


def test_the_list_of_all_models_is_there_for_who_looks_into_it() -> None:
    request = RequestFactory().get("/staff/")
    request.user = superuser()
    [billing] = admin.site.get_app_list(request, "billing")
    assert "Invoice" in [model["object_name"] for model in billing["models"]]


def test_a_list_has_its_sections_tabs_and_its_own_is_the_active_one(client: Client) -> None:
    client.force_login(superuser())
    page = client.get(reverse("admin:billing_invoice_changelist")).content.decode()
    tabs = page.split('id="tabs-items"')[1].split("</nav>")[0]
    links = re.findall(r'<a href="([^"]+)" class="([^"]*)"', tabs)
    assert [link for link, state in links if state == "active"] == ["/staff/billing/invoice/"]
    assert "/staff/billing/payment/" in dict(links)
    assert "/staff/billing/dispute/" not in dict(links)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("admin:billing_allocation_match", "Money to match"),
        ("admin:billing_balancetransaction_months", "Months"),
    ],
)
def test_a_page_that_is_no_list_has_its_sections_tabs(
    client: Client, name: str, title: str
) -> None:
    client.force_login(superuser())
    page = client.get(reverse(name)).content.decode()
    tabs = page.split('id="tabs-items"')[1].split("</nav>")[0]
    [active] = re.findall(r'class="active"\s*>\s*([^<]+?)\s*<', tabs)
    assert active == title


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

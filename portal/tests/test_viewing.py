"""Staff view the portal as a member: every page as they see it, and nothing that does anything."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse
from django.utils import timezone

from billing.tests import factories
from billing.tests.staff_world import auditor, signed_in_now, superuser, support
from common.staff import show
from e2e.places import PLACES, POSTED
from members.models import AccountActivity, Device, SignIn, TermsAcceptance
from portal import viewing
from portal.models import MemberViewing
from portal.tests.test_every_page_is_walked import address, names

pytestmark = pytest.mark.django_db
AS = "You’re viewing as"
# What may stand in an address.
ARGUMENTS: tuple[list[Any], ...] = ([], [1], ["x"], ["x", "x"], [uuid.uuid4()])


def begin(client: Client, user: User) -> Any:
    at = reverse("admin:auth_user_view_as", args=[user.pk])
    return client.post(at, {"_form_submitted": "on"})


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def kim() -> User:
    user = factories.make_member("Kim Keller")
    customer = factories.make_customer(user)
    factories.make_plan()
    subscription = factories.make_subscription(customer)
    invoice = factories.make_invoice(customer, subscription=subscription, number="KIM-0001")
    factories.make_payment(customer, invoice=invoice)
    return user


@pytest.fixture
def desk() -> Client:
    return signed_in_now(support())


@pytest.fixture
def looking(desk: Client, kim: User) -> Client:
    answer = begin(desk, kim)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    return desk


def counts() -> dict[str, int]:
    """Return how many rows each table has."""
    tables = [one for one in connection.introspection.table_names() if one != "django_session"]
    with connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608  (from the database)
            found[table] = cursor.fetchone()[0]
    return found


def test_pages_are_the_members_with_a_banner_that_stops_it(looking: Client, kim: User) -> None:
    for page in ("home", "billing:membership", "billing:payments", "members:account"):
        shown = text(looking.get(reverse(page)))
        assert f"{AS} <strong>Kim Keller</strong>" in shown, page
        assert "Stop viewing" in shown
    assert "KIM-0001" in text(looking.get(reverse("billing:payments")))
    answer = looking.post(reverse("admin:auth_user_stop_viewing"))
    assert answer.headers["Location"] == show.page_of(kim)
    assert AS not in text(looking.get("/"))
    row = MemberViewing.objects.get()
    assert row.user == kim
    assert row.ended_at is not None
    assert "Viewed the portal as this member" in text(looking.get(show.page_of(kim)))


def test_the_invoice_and_its_documents_can_be_seen(looking: Client, kim: User) -> None:
    invoice = kim.customers.get().invoices.get()
    payment = kim.customers.get().payments.get()
    assert looking.get(reverse("billing:invoice", args=[invoice.pk])).status_code == 200
    assert looking.get(reverse("billing:receipt", args=[payment.pk])).status_code == 200
    assert looking.get(reverse("billing:payments-csv")).status_code == 200
    assert viewing.is_allowed("billing:invoice-pdf", "GET")


def test_other_members_records_stay_closed(looking: Client) -> None:
    other = factories.make_invoice(factories.make_customer(factories.make_member("Bob Baker")))
    assert looking.get(reverse("billing:invoice", args=[other.pk])).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_whatever_would_change_something_is_refused_with_a_sentence(
    looking: Client, kim: User, method: str
) -> None:
    for name in sorted({*POSTED.names, *viewing.PAGES, "billing:cancel", "billing:switch"}):
        before = counts()
        answer = getattr(looking, method)(address(name), {"name": "Mallory", "agree": "yes"})
        assert answer.status_code == 403, name
        assert "Nothing was done" in text(answer), name
        assert counts() == before, name
    kim.refresh_from_db()
    assert kim.get_full_name() == "Kim Keller"


def test_only_named_pages_open(looking: Client) -> None:
    """A new address is closed until somebody decides that it may be looked at."""
    open_ = viewing.PAGES | viewing.FILES | viewing.OWN
    closed = [name for name in every_name() if name not in open_]
    assert {"mfa_index", "usersessions_list", "account_change_password", "account_email",
            "mfa_view_recovery_codes", "selfservice:data", "selfservice:close", "billing:cancel",
            "billing:switch", "billing:invoice-hosted", "billing:checkout-return", "billing:pay",
            "account_reauthenticate", "billing:zelle-code"} <= set(closed)  # fmt: skip
    for name in closed:
        answer = looking.get(some_address(name))
        assert answer.status_code == 403, name
        assert "Nothing was done" in text(answer), name
    known = {place.name for place in PLACES}
    assert {name for name in viewing.PAGES if not name.startswith("brand")} & known


def some_address(name: str) -> str:
    """Return an address of this name, whatever stands in it."""
    for arguments in ARGUMENTS:
        with suppress(NoReverseMatch):
            return reverse(name, args=arguments)
    raise AssertionError(f"{name} needs other arguments.")


def every_name() -> Iterator[str]:
    machines = {
        "stripe-webhook",
        "sms-status",
        "sms-inbound",
        "email-events",
        "healthz",
        "error-page",
        "brand-picture",
    }
    for name in names(get_resolver()):
        if name not in machines:
            yield name


def test_looking_records_nothing_as_if_the_member_had_been_there(
    looking: Client, kim: User
) -> None:
    before = counts()
    for name in sorted(viewing.PAGES):
        if not name.startswith("billing:") or name in {
            "billing:membership", "billing:payments", "billing:cards", "billing:details",
        }:  # fmt: skip
            answer = looking.get(address(name))
            assert answer.status_code in {200, 304}, name
    assert counts() == before
    kim.refresh_from_db()
    assert kim.last_login is None
    for model in (SignIn, Device, AccountActivity, TermsAcceptance, UserSession):
        assert not model._default_manager.filter(user=kim).exists(), model


def test_a_page_that_would_write_is_refused_by_the_database(
    looking: Client, monkeypatch: pytest.MonkeyPatch, kim: User
) -> None:
    def writes(request: HttpRequest) -> HttpResponse:
        User.objects.update(first_name="Mallory")
        return HttpResponse("done")

    pattern = next(
        one for one in get_resolver().url_patterns
        if not isinstance(one, URLResolver) and one.name == "home"
    )  # fmt: skip
    monkeypatch.setattr(pattern, "callback", writes)
    answer = looking.get("/")
    assert answer.status_code == 403
    assert "Nothing was done" in text(answer)
    kim.refresh_from_db()
    assert kim.first_name == "Kim"


def test_no_cache_keeps_the_pages(looking: Client) -> None:
    for page in ("/", "/payments/", "/brand.css"):
        assert "no-store" in looking.get(page).headers["Cache-Control"], page


def test_htmx_loads_the_page_again_which_says_it(looking: Client) -> None:
    answer = looking.post("/membership/resume/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (403, "true")
    assert "so nothing was done" in text(looking.get("/"))


def test_it_ends_by_itself(looking: Client) -> None:
    MemberViewing.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    page = text(looking.get("/"))
    assert "You’re no longer viewing as a member." in page
    assert "KIM-0001" not in text(looking.get("/payments/"))
    assert MemberViewing.objects.get().ended_at is not None


def test_it_lasts_half_an_hour_at_most_and_looking_does_not_extend_it(looking: Client) -> None:
    row = MemberViewing.objects.get()
    assert row.ends_at - row.started_at == timedelta(minutes=30)
    looking.get("/")
    assert MemberViewing.objects.get().ends_at == row.ends_at


@pytest.mark.parametrize("change", ["is_staff", "is_active", "permission"])
def test_it_ends_when_the_member_or_the_staff_member_changes(
    looking: Client, kim: User, change: str
) -> None:
    viewer = MemberViewing.objects.get().viewer
    assert viewer is not None
    if change == "is_staff":
        User.objects.filter(pk=kim.pk).update(is_staff=True)
    elif change == "is_active":
        User.objects.filter(pk=kim.pk).update(is_active=False)
    else:
        right = Permission.objects.get(codename="view_as_member")
        for group in viewer.groups.all():
            group.permissions.remove(right)
    assert "no longer viewing" in text(looking.get("/"))


def test_signing_out_ends_it(looking: Client) -> None:
    looking.post(reverse("account_logout"))
    assert MemberViewing.objects.get().ended_at is not None
    answer = looking.get("/")
    assert answer.status_code == 302
    assert "login" in answer.headers["Location"]


def test_only_members_can_be_viewed_and_only_with_the_permission(desk: Client, kim: User) -> None:
    for other in (superuser(), auditor(), factories.make_member("Olga Off", is_active=False)):
        assert begin(desk, other).status_code == 403
    assert begin(signed_in_now(auditor()), kim).status_code == 403
    member = Client()
    member.force_login(kim)
    # A member is turned away at the door.
    assert "/staff/login/" in begin(member, factories.make_member("Bob Baker"))["Location"]
    assert not MemberViewing.objects.exists()


def test_it_takes_a_recent_sign_in_and_a_form(kim: User) -> None:
    client = Client()
    client.force_login(support())
    assert begin(client, kim).headers["Location"] == show.page_of(kim)
    assert not MemberViewing.objects.exists()
    recent = signed_in_now(support())
    assert recent.get(reverse("admin:auth_user_view_as", args=[kim.pk])).status_code == 200
    assert not MemberViewing.objects.exists()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = recent.cookies
    begin(strict, kim)
    assert not MemberViewing.objects.exists()


def test_nobody_takes_over_what_another_session_views(looking: Client, kim: User) -> None:
    """The mark in a session counts only for the staff member who began."""
    other = signed_in_now(superuser())
    session = other.session
    session[viewing.SESSION_KEY] = MemberViewing.objects.get().pk
    session.save()
    assert "KIM-0001" not in text(other.get("/payments/"))


def test_the_staff_site_stays_the_staffs_own(looking: Client) -> None:
    page = text(looking.get(show.page_of(factories.make_member("Bob Baker"))))
    assert "Bob Baker" in page
    assert AS not in page

"""Every list of the staff site is also a file, or says why not; each download is recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from billing.models import Dispute, Invoice, Payment
from billing.tests import factories, staff_world
from billing.tests.staff_world import auditor, manager, superuser, support
from common.money import Money, read_back
from common.staff import show
from common.staff.exporting import counted, plain
from members.models import SignIn
from portal.backoffice.close_account import close_account
from portal.models import Download
from testing import sheets

pytestmark = pytest.mark.django_db

LISTS = sorted(admin.site._registry, key=lambda one: one._meta.label)
DOWNLOADS = "/staff/portal/download/"


def address(model: type[Model], kind: str, page: str = "download") -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[kind] if kind else [])


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.slow
def test_every_list_downloads_or_says_why_not() -> None:
    world = staff_world.make_world()
    client = signed_in(superuser())
    seen = {type(row) for row in world.rows}
    for model in LISTS:
        page = admin.site._registry[model]
        if reason := page.not_exported:  # type: ignore[attr-defined]
            assert reason.endswith(".")
            with pytest.raises(NoReverseMatch):
                address(model, "csv")
            continue
        before = Download.objects.count()
        text = sheets.of_csv(client.get(address(model, "csv")))
        cells = sheets.of_xlsx(client.get(address(model, "xlsx")))
        assert model in seen
        assert text, model._meta.label
        # Downloads themselves have one more row after the first file.
        assert len(cells) - len(text) == (1 if model is Download else 0)
        assert all(name and "<" not in name for name in text[0])
        for one in (*text, *cells):
            assert [value for value in one.values() if "</" in str(value)] == [], model._meta.label
        taken = [*Download.objects.order_by("id")[before:]]
        assert [(one.kind, one.rows) for one in taken] == [("csv", len(text)), ("xlsx", len(cells))]
        assert {one.model for one in taken} == {model._meta.label_lower}
        listed = client.get(address(model, "", "changelist")).content.decode()
        for kind in ("csv", "xlsx"):
            assert f'href="{address(model, kind)}"' in listed, model._meta.label


def test_a_file_has_the_lists_days_and_amounts_as_such() -> None:
    alice = factories.make_member("Alice Archer")
    customer = factories.make_customer(alice)
    payment = factories.make_payment(customer, amount=2900)
    factories.make_dispute(payment)
    factories.make_dispute(factories.make_payment(customer, amount=5000), currency="jpy")
    Dispute.objects.filter(currency="jpy").update(amount=5000)
    client = signed_in(superuser())
    [dollars, yen] = sorted(
        sheets.of_xlsx(client.get(address(Dispute, "xlsx"))), key=lambda one: one["Amount"]
    )
    assert dollars["Member"] == "Alice Archer"
    assert dollars["Email"] == alice.email
    assert (dollars["Amount"], yen["Amount"]) == (29, 5000)
    assert isinstance(dollars["Opened"], datetime)


@pytest.mark.parametrize("model", [Payment, Invoice, SignIn])
def test_longer_lists_need_no_more_queries(model: type[Model]) -> None:
    client = signed_in(superuser())

    def make(count: int) -> None:
        for number in range(count):
            user = factories.make_member(f"Member {number}{count}")
            invoice = factories.make_invoice(factories.make_customer(user))
            factories.make_payment(invoice=invoice)
            SignIn.objects.create(user=user, ip="192.0.2.1", user_agent="x", method="password")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            sheets.of_csv(client.get(address(model, "csv")))
        return len(seen)

    make(1)
    few = queries()
    make(6)
    assert queries() <= few


def test_the_filters_are_recorded_in_words_and_kept_in_the_address() -> None:
    alice = factories.make_customer(factories.make_member("Alice Archer"))
    factories.make_payment(alice, amount=2900)
    factories.make_payment(factories.make_customer(factories.make_member("Bob")), amount=500)
    client = signed_in(superuser())
    query = "q=Alice&status__exact=succeeded&paid_at_from=2020-01-01&o=1&p=1"
    listed = client.get(f"/staff/billing/payment/?{query}").content.decode()
    kept = "?q=Alice&amp;status__exact=succeeded&amp;paid_at_from=2020-01-01&amp;o=1"
    assert f"/staff/billing/payment/download/xlsx/{kept}" in listed
    assert len(sheets.of_xlsx(client.get(f"/staff/billing/payment/download/xlsx/?{query}"))) == 1
    taken = Download.objects.get()
    assert taken.filters == "Search: Alice. Whether it was paid: Paid. Day paid: from 2020-01-01"
    assert taken.rows == 1
    page = client.get(DOWNLOADS).content.decode()
    for words in ("Sam Super", "Payments", "XLSX", taken.filters):
        assert words in page


def test_who_may_not_see_a_list_may_not_take_it_and_nothing_is_recorded() -> None:
    client = signed_in(factories.make_member("New Comer", is_staff=True))
    for model in (Payment, SignIn, Download):
        assert client.get(address(model, "csv")).status_code == 403
    assert signed_in(superuser()).get(address(Payment, "docx")).status_code == 404
    assert not Download.objects.exists()


@pytest.mark.parametrize(("who", "status"), [(auditor, 200), (manager, 200), (support, 403)])
def test_who_sees_what_was_taken(who: Any, status: int) -> None:
    assert signed_in(who()).get(DOWNLOADS).status_code == status


def test_a_member_who_leaves_is_blotted_out_of_what_was_searched_for() -> None:
    alice = factories.make_member("Alice Archer")
    by, what = superuser(), {"what": "payments", "model": "billing.payment", "kind": "csv"}
    for searched in (alice.email, "Alice Archer", "nobody else"):
        Download.objects.create(by=by, **what, filters=f"Search: {searched}")
    close_account(alice)
    left = Download.objects.order_by("id").values_list("filters", flat=True)
    assert [*left] == ["Search: …", "Search: …", "Search: nobody else"]


def test_a_file_that_breaks_off_says_how_far_it_came() -> None:
    sent: list[int] = []
    rows = counted(([str(number)] for number in range(9)), sent.append)
    for _ in range(3):
        next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert sent == [2]


@pytest.mark.parametrize(
    ("text", "currency", "money"),
    [
        ("$29.00", "usd", Money(2900, "usd")),
        ("−$1,234,567.89", "usd", Money(-123_456_789, "usd")),
        ("¥2,900", "jpy", Money(2900, "jpy")),
        ("KWD 1.250", "kwd", Money(1250, "kwd")),
        ("$29.00 of $40.00", "usd", None),
        ("29.00", "usd", None),
        ("Visa ending in 4242", "usd", None),
    ],
)
def test_amounts_are_read_back_exactly(text: str, currency: str, money: Money | None) -> None:
    assert read_back(text.replace("KWD ", "KWD\u00a0"), currency) == money


def test_what_a_column_shows_is_its_value() -> None:
    moment = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    assert plain(show.when(moment)) == plain(show.moment(moment)) == moment
    assert plain(show.day(moment)) == moment.date()
    assert plain(show.badge("Paid & sent", "success")) == "Paid & sent"
    assert plain(show.NOTHING) is plain(None) is plain(show.when(None)) is None
    assert plain("1 < 2") == "1 < 2"

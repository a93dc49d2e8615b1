"""A closed month stays as it was; what comes later says so."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from billing import tasks
from billing.facts import books
from billing.models import BalanceReading, BalanceTransaction, BookCheck, BookClosing, Payment
from billing.models.closing import CURRENT, WITHOUT_DIRECT
from billing.reconcile import closing_books
from billing.reconcile.closing_books import NotClosable
from billing.tests import factories
from billing.tests.staff_world import auditor, manager, signed_in_now
from conftest import Sandbox
from portal.backoffice import current_problems, problems
from portal.doctor import portal_checks
from portal.models import Outcome

pytestmark = pytest.mark.django_db

CHANGED = "The closing of July 2026 was changed after it was made."
JULY, AUGUST, SEPTEMBER = (date(2026, month, 1) for month in (7, 8, 9))


def moved(number: int, month: date, amount: int = 2900, fee: int = 114) -> BalanceTransaction:
    """Return a payment in a month, and let Stripe's balance have it."""
    at = datetime(month.year, month.month, 15, tzinfo=UTC)
    row = BalanceTransaction.objects.create(
        stripe_id=f"txn_{number}", kind="charge", category="charge", amount=amount, fee=fee,
        net=amount - fee, currency="usd", balance_type="payments", created_at=at, available_at=at,
        read_at=at, fees=[{"type": "stripe_fee", "amount": fee, "description": ""}] if fee else [],
    )  # fmt: skip
    read_everything()
    return row


def read_everything() -> None:
    total = sum(BalanceTransaction.objects.values_list("net", flat=True))
    values = {"read_at": datetime.now(UTC), "totals": {"usd": total}}
    BalanceReading.objects.update_or_create(stripe_id="balance", defaults=values)


def check_constraints_now() -> None:
    """Check what PostgreSQL would check at commit, so that the table can be altered."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def page(month: date) -> str:
    return reverse("admin:billing_balancetransaction_month", args=[f"{month:%Y-%m}"])


def test_what_comes_later_is_named_and_what_was_closed_stays() -> None:
    moved(1, JULY)
    moved(2, AUGUST)
    july = closing_books.close(JULY, manager())
    assert [one["amount"] for one in july.statements[0]["lines"]] == [2900, -114]
    assert closing_books.changes(july) == []
    moved(3, JULY, 1000, 59)
    assert [
        (one.label, one.then.amount, one.now.amount) for one in closing_books.changes(july)
    ] == [
        ("Stripe’s fees", -114, -173),
        ("Customers who aren’t members here, no tax", 2900, 3900),
        ("Closing balance", 2786, 3727),
    ]
    august = closing_books.close(AUGUST, july.closed_by)
    assert august.previous_hash == july.hash
    assert august.statements[0]["opening"] == 3727
    assert list(closing_books.problems()) == []


@pytest.mark.parametrize("statement", ["UPDATE billing_bookclosing SET month = month",
                                       "DELETE FROM billing_bookclosing",
                                       "TRUNCATE billing_bookclosing"])  # fmt: skip
def test_the_database_refuses_to_change_a_closing(statement: str) -> None:
    moved(1, JULY)
    closing_books.close(JULY, manager())
    check_constraints_now()
    with (
        pytest.raises(DatabaseError, match="stays as it is"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_changed_closing_is_noticed() -> None:
    moved(1, JULY)
    moved(2, AUGUST)
    by = manager()
    closing_books.close(JULY, by)
    closing_books.close(AUGUST, by)
    check_constraints_now()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_bookclosing DISABLE TRIGGER USER")
        cursor.execute("UPDATE billing_bookclosing SET statements = '[]' WHERE number = 1")
        cursor.execute("ALTER TABLE billing_bookclosing ENABLE TRIGGER USER")
    assert list(closing_books.problems()) == [CHANGED]
    client = Client()
    client.force_login(by)
    listed = client.get(reverse("admin:billing_balancetransaction_months")).content.decode()
    assert "The closing of July 2026 was changed after it was made." in listed


def tamper(statement: str) -> None:
    """Change the table as someone with the database's password could."""
    check_constraints_now()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_bookclosing DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE billing_bookclosing ENABLE TRIGGER USER")


def paid_directly(month: date, amount: int) -> Payment:
    """Return a payment by Zelle in a month."""
    at = datetime(month.year, month.month, 20, tzinfo=UTC)
    return factories.make_payment(
        card_brand="zelle", amount=amount, amount_received=amount, paid_at=at, created_at=at
    )


def test_money_outside_stripe_is_kept_and_hashed() -> None:
    moved(1, JULY)
    paid = paid_directly(JULY, 4000)
    july = closing_books.close(JULY, manager())
    assert july.version == CURRENT
    assert july.direct == [{"kind": "zelle", "currency": "usd", "amount": 4000}]
    assert closing_books.changes(july) == []
    Payment.objects.filter(pk=paid.pk).update(amount_received=5000)
    [change] = closing_books.changes(july)
    assert (change.label, str(change.then), str(change.now)) == (
        *("Received by Zelle", "$40.00", "$50.00"),
    )
    client = Client()
    client.force_login(july.closed_by)
    assert "Received by Zelle" in client.get(page(JULY)).content.decode()
    tamper("UPDATE billing_bookclosing SET direct = '[]'")
    assert [*closing_books.problems()] == [CHANGED]


def test_a_month_with_nothing_but_direct_money_is_listed_and_closed_in_its_turn() -> None:
    moved(1, JULY)
    paid_directly(AUGUST, 4000)
    moved(2, SEPTEMBER)
    listed = {one.month: (one.opening.amount, one.closing.amount) for one in books.months()}
    assert listed == {JULY: (0, 2786), AUGUST: (2786, 2786), SEPTEMBER: (2786, 5572)}
    client = signed_in_now(manager())
    asked = client.get(f"{page(SEPTEMBER)}close/").content.decode()
    assert "<strong>2 earlier months</strong> (July 2026 to August 2026) can’t be closed" in asked
    assert "earlier month" not in client.get(f"{page(JULY)}close/").content.decode()
    closing_books.close(JULY, manager())
    with pytest.raises(NotClosable, match="Close August 2026 first"):
        closing_books.close(SEPTEMBER, manager())
    shown = client.get(page(AUGUST)).content.decode()
    assert "Close this month" in shown
    assert "$40.00" in shown
    client.post(f"{page(AUGUST)}close/")
    august = BookClosing.objects.get(month=AUGUST)
    assert august.direct == [{"kind": "zelle", "currency": "usd", "amount": 4000}]
    assert closing_books.changes(august) == []
    closing_books.close(SEPTEMBER, manager())
    assert closing_books.verify().problems == []


def test_a_business_that_only_takes_direct_money_closes_its_months() -> None:
    paid_directly(JULY, 4000)
    read_everything()
    [only] = books.months()
    assert (only.month, only.closing.amount, only.closing.currency) == (JULY, 0, "USD")
    client = signed_in_now(manager())
    assert "Nothing moved in this month in Stripe’s balance." in (
        client.get(page(JULY)).content.decode()
    )
    assert "Nothing moved in Stripe’s balance until its end." in (
        client.get(f"{page(JULY)}close/").content.decode()
    )
    client.post(f"{page(JULY)}close/")
    row = BookClosing.objects.get()
    assert (row.month, row.statements) == (JULY, [])
    assert row.direct == [{"kind": "zelle", "currency": "usd", "amount": 4000}]


def test_a_closing_of_the_first_version_still_verifies() -> None:
    """Its hash was made before money outside Stripe was kept: computed here as it was then."""
    moved(1, JULY)
    moved(2, AUGUST)
    paid_directly(JULY, 4000)
    by = manager()
    row = BookClosing(
        number=1, month=JULY, time_zone="America/New_York", closed_by=by, version=WITHOUT_DIRECT,
        statements=closing_books.as_kept(JULY), closed_at=datetime.now(UTC),
        previous_hash=closing_books.GENESIS,
    )  # fmt: skip
    columns = {
        "number": 1,
        "month": "2026-07",
        "time_zone": "America/New_York",
        "statements": row.statements,
        "closed_at": row.closed_at.isoformat(timespec="microseconds"),
        "closed_by": by.pk,
        "previous_hash": closing_books.GENESIS,
    }
    text = json.dumps(columns, sort_keys=True, separators=(",", ":"))
    row.hash = hashlib.sha256(text.encode()).hexdigest()
    row.save(force_insert=True)
    closing_books.close(AUGUST, by)
    assert [*closing_books.problems()] == []
    assert closing_books.changes(row) == []
    tamper("UPDATE billing_bookclosing SET version = 2 WHERE number = 1")
    assert [*closing_books.problems()] == [CHANGED]


def test_a_broken_chain_is_a_task_and_fails_the_check_up(sandbox: Sandbox) -> None:
    moved(1, JULY)
    closing_books.close(JULY, manager())
    tasks.verify_ledger()
    assert BookCheck.objects.get().problems == []
    assert not [one for one in problems.current() if one.key == "closings"]
    assert portal_checks.closings().outcome == Outcome.OK
    tamper("UPDATE billing_bookclosing SET hash = repeat('a', 64)")
    tasks.verify_ledger()
    [task] = [one for one in problems.current() if one.key == "closings"]
    assert (task.tone, task.url) == (
        *(current_problems.DANGER, reverse("admin:billing_balancetransaction_months")),
    )
    assert "1 problem: The closing of July 2026 was changed" in task.text
    assert portal_checks.closings().outcome == Outcome.FAIL
    with pytest.raises(CommandError, match="1 problems"):
        call_command("verify_ledger", "--offline")
    BookCheck.objects.update(checked_at=datetime.now(UTC) - timedelta(days=3), problems=[])
    assert "closing checks" in [one.key for one in problems.current()]


def test_months_close_in_order_once_and_only_when_the_books_agree() -> None:
    by = manager()
    for number, month in enumerate((JULY, AUGUST, SEPTEMBER)):
        moved(number, month)
    closing_books.close(JULY, by)
    refused: list[tuple[date, str]] = [
        (JULY, "closed already"),
        (SEPTEMBER, "Close August 2026 first"),
        (date(2026, 6, 1), "stays open"),
        (date(2026, 5, 1), "stays open"),
        (datetime.now(UTC).date().replace(day=1), "an hour after"),
    ]
    for month, words in refused:
        with pytest.raises(NotClosable, match=words):
            closing_books.close(month, by)
    BalanceReading.objects.update(totals={"usd": 1})
    with pytest.raises(NotClosable, match="don’t agree"):
        closing_books.close(AUGUST, by)
    read_everything()
    BalanceReading.objects.update(read_at=datetime(2026, 8, 31, 23, tzinfo=UTC))
    with pytest.raises(NotClosable, match="hasn’t been read"):
        closing_books.close(AUGUST, by)
    assert BookClosing.objects.count() == 1


def test_a_manager_closes_on_the_page_and_it_is_recorded() -> None:
    moved(1, JULY)
    client = signed_in_now(manager())
    assert "Close this month" in client.get(page(JULY)).content.decode()
    question = client.get(f"{page(JULY)}close/").content.decode()
    assert "Close July 2026?" in question
    assert "can’t be undone" in question
    assert str(books.statement(JULY, "usd").closing) in question
    assert not BookClosing.objects.exists()
    answer: Any = client.post(f"{page(JULY)}close/", follow=True)
    text = answer.content.decode()
    assert "July 2026 is closed." in text
    assert "Nothing has changed since." in text
    closing = BookClosing.objects.get()
    assert closing.hash in text
    assert LogEntry.objects.get(object_id=str(closing.pk)).change_message == "Closed July 2026."
    moved(2, JULY, 1000, 0)
    assert "These lines differ from what was closed" in client.get(page(JULY)).content.decode()


def test_others_see_it_and_cannot_close() -> None:
    moved(1, JULY)
    client = Client()
    client.force_login(auditor())
    assert "Close this month" not in client.get(page(JULY)).content.decode()
    assert client.get(f"{page(JULY)}close/").status_code == 403
    assert client.post(f"{page(JULY)}close/").status_code == 403
    # A manager whose sign-in is old confirms first.
    stale = manager()
    client.force_login(stale)
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    client.post(f"{page(JULY)}close/")
    assert not BookClosing.objects.exists()
    assert timedelta(0) < datetime.now(UTC) - BalanceReading.objects.get().read_at


def test_what_cannot_be_closed_says_why_instead_of_asking() -> None:
    moved(1, JULY)
    client = signed_in_now(manager())
    closing_books.close(JULY, manager())
    answer: Any = client.get(f"{page(JULY)}close/", follow=True)
    assert answer.redirect_chain == [(page(JULY), 302)]
    assert "closed already" in answer.content.decode()


@pytest.mark.parametrize("month", ["0001-01", "9999-12", "2026-13", "2026-7", "July", "2026-W30"])
def test_a_month_that_is_none_is_not_found(month: str) -> None:
    client = signed_in_now(manager())
    for path in ("", "close/", "line/", "file/csv/", "journal/", "tax/month/"):
        address = f"/staff/billing/balancetransaction/months/{month}/{path}"
        assert client.get(address).status_code == 404, path


def test_heads_are_exported_and_compared(settings: Settings, tmp_path: Path) -> None:
    settings.LEDGER_HEADS_FILE = str(tmp_path / "out" / "heads")
    closing_books.export_head()
    file = closing_books.heads_file()
    assert file
    assert not file.exists()
    moved(1, JULY)
    july = closing_books.close(JULY, manager())
    closing_books.export_head()
    assert file.read_text().split()[1:] == ["1", july.hash]
    assert [*closing_books.problems()] == []
    # Someone who may alter the table makes another chain that is sound in itself.
    with transaction.atomic(), connection.cursor() as cursor:
        check_constraints_now()
        cursor.execute("ALTER TABLE billing_bookclosing DISABLE TRIGGER USER")
        july.statements[0]["closing"] += 1
        BookClosing.objects.filter(pk=july.pk).update(
            statements=july.statements, hash=closing_books.digest(july)
        )
        assert [*closing_books.problems()] == [
            "The closing of July 2026 isn't the one that was exported."
        ]
        BookClosing.objects.all().delete()
        assert [*closing_books.problems()] == ["Closing 1 was exported, and is gone."]
        cursor.execute("ALTER TABLE billing_bookclosing ENABLE TRIGGER USER")
    file.write_text("nonsense\n")
    assert "Line 1 of the exported closings can't be read." in [*closing_books.problems()]

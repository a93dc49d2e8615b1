"""The ledger can't be rewritten, and whoever tries is found out."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.urls import reverse

from billing import tasks
from billing.models import LedgerCheck, Payment, Refund, RefundEntry
from billing.refunds import ledger, ledger_texts
from billing.refunds import service as refunds
from billing.stripe import gateway
from billing.tests import factories
from billing.tests.life import paid_member
from billing.tests.refund_world import approver, ask, policy
from billing.tests.staff_world import auditor, signed_in_now
from conftest import Sandbox, run_jobs
from portal.backoffice import problems

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def heads(settings: Any, tmp_path: Path) -> Path:
    """Where heads are exported to."""
    file = tmp_path / "kept" / "heads"
    settings.LEDGER_HEADS_FILE = str(file)
    return file


@pytest.fixture
def alice() -> User:
    """A member with one refund approved by a person and one request that waits."""
    user = factories.make_member()
    customer = factories.make_customer(user)
    policy(automatic_up_to=0)
    first, second = (factories.make_payment(customer=customer) for _ in range(2))
    refunds.approve(ask(user, first, 900).pk, approver("Bob Baker"))
    ask(user, second, 500)
    return user


def in_savepoint(cursor: CursorWrapper, sql: str) -> None:
    with transaction.atomic():
        cursor.execute(sql)


def tamper(sql: str, *values: Any) -> None:
    """Do what only the owner of the database could do: without the triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_refundentry SET amount = 1",
        "DELETE FROM billing_refundentry",
        "TRUNCATE billing_refundentry CASCADE",
        "TRUNCATE billing_refund CASCADE",
        "UPDATE billing_ledgertext SET text = 'x'",
    ],
)
def test_the_database_refuses_to_rewrite_it(alice: User, sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # Deferred checks would be pending, and TRUNCATE refused for that reason already.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    refused = pytest.raises(IntegrityError, match=r"append-only|not changed")
    with connection.cursor() as cursor, refused:
        in_savepoint(cursor, sql)
    assert RefundEntry.objects.count() == 3


def test_an_untouched_ledger_is_proved(alice: User) -> None:
    check = ledger.verify()
    assert (check.entries, check.refunds_compared, check.problems) == (3, 2, [])
    assert check.head_hash == RefundEntry.objects.last().hash  # type: ignore[union-attr]
    # Nobody has asked Stripe yet.
    assert str(check) == "Not compared with Stripe"


def change_amount() -> None:
    tamper("UPDATE billing_refundentry SET amount = 1 WHERE number = 2")


def change_reference_and_hash() -> None:
    entry = RefundEntry.objects.get(number=2)
    entry.stripe_id = "re_other"
    digest = ledger.digest(entry)
    tamper(
        "UPDATE billing_refundentry SET stripe_id = %s, hash = %s WHERE number = 2",
        entry.stripe_id,
        digest,
    )


def change_words() -> None:
    tamper("UPDATE billing_ledgertext SET text = 'Somebody else said so.' WHERE kind = 'words'")


def change_name() -> None:
    tamper("UPDATE billing_ledgertext SET text = 'Eve <eve@example.com>' WHERE kind = 'actor'")


def lose_words() -> None:
    tamper("DELETE FROM billing_ledgertext WHERE kind = 'words'")


def remove(number: int) -> None:
    """Delete an entry with its texts."""
    entry = RefundEntry.objects.get(number=number)
    tamper("DELETE FROM billing_ledgertext WHERE entry_id = %s", entry.pk)
    tamper("DELETE FROM billing_refundentry WHERE number = %s", number)


def remove_in_the_middle() -> None:
    remove(2)


def change_row() -> None:
    Refund.objects.filter(entries__number=2).update(state="denied")


def change_row_amount() -> None:
    Refund.objects.filter(entries__number=2).update(amount=899)


def pay_back_more() -> None:
    Payment.objects.update(amount_received=100)


def write_what_is_no_state() -> None:
    tamper("UPDATE billing_refundentry SET to_state = 'nowhere' WHERE number = 1")


def lose_row_entries() -> None:
    remove(3)


@pytest.mark.parametrize(
    ("crime", "sentence"),
    [
        (change_amount, "Entry 2 was changed after it was written."),
        (change_reference_and_hash, "Entry 3 does not follow from the one before it."),
        (change_words, "A text of entry 1 (words) was changed after it was written."),
        (change_name, "A text of entry 2 (actor) was changed after it was written."),
        (lose_words, "A text of entry 1 (words) is gone, and nobody has left."),
        (remove_in_the_middle, "Between entries 1 and 3 something is missing."),
        (change_row, "its last entry says approved 900"),
        (change_row_amount, "is approved 899, its last entry says approved 900"),
        (pay_back_more, "more is refunded than was paid"),
        (write_what_is_no_state, "Entry 1 was changed after it was written."),
        (lose_row_entries, "has no entry"),
    ],
)
def test_every_crime_is_found(alice: User, crime: Callable[[], None], sentence: str) -> None:
    crime()
    problems = ledger.verify().problems
    assert any(sentence in problem for problem in problems), problems


def test_a_chain_that_was_written_anew_does_not_fit_the_exported_heads(
    alice: User, heads: Path
) -> None:
    ledger.export_head(ledger.verify())
    number, digest, scheme = heads.read_text().split()[1:]
    assert (number, scheme) == ("3", "2")
    assert digest == RefundEntry.objects.get(number=3).hash
    previous = ledger_texts.GENESIS
    for entry in RefundEntry.objects.all():
        entry.currency, entry.previous_hash = "eur", previous
        previous = ledger.digest(entry)
        tamper(
            "UPDATE billing_refundentry SET currency = 'eur', previous_hash = %s, hash = %s"
            " WHERE number = %s",
            *(entry.previous_hash, previous, entry.number),
        )
    assert ledger.verify().problems == ["Entry 3 is not the one that was exported."]
    remove(3)
    assert "Entry 3 was exported once and is not there any more." in (ledger.verify().problems)


def test_decisions_on_ones_own_are_found(alice: User) -> None:
    """The use case refuses them; a row that was written past it is reported."""
    row = ask_past_the_use_case(alice)
    ledger.append(row, "approved", "requested", actor=alice)  # type: ignore[arg-type]
    problems = ledger.verify().problems
    assert any("their own refund" in problem for problem in problems)


def ask_past_the_use_case(user: User) -> Refund:
    """Approve a request in SQL's way."""
    row = Refund.objects.get(state="requested")
    Refund.objects.filter(pk=row.pk).update(state="approved", decided_by=user)
    return Refund.objects.get(pk=row.pk)


def command(*arguments: str) -> tuple[str, bool]:
    printed = StringIO()
    try:
        call_command("verify_ledger", *arguments, stdout=printed)
    except CommandError as error:
        return f"{printed.getvalue()}{error}", False
    return printed.getvalue(), True


@pytest.mark.slow
def test_the_command_compares_with_stripe(sandbox: Sandbox) -> None:
    alice = paid_member(sandbox)
    policy()
    payment = Payment.objects.get()
    row = ask(alice, payment, 900)
    run_jobs()
    assert command()[1]
    tasks.verify_ledger()
    check = LedgerCheck.objects.first()
    assert check
    assert check.compared_with_stripe
    assert check.head_exported
    assert not check.problems
    assert str(check) == "All is proved"

    double: Any = {
        "payment_intent": payment.stripe_id,
        "amount": 100,
        "metadata": {"portal_refund": str(row.key)},
    }
    sandbox.stripe.v1.refunds.create(double)
    printed, is_well = command()
    assert not is_well
    assert "Stripe has two refunds of one row" in printed
    assert "is at Stripe and not here" in printed
    Refund.objects.filter(pk=row.pk).update(stripe_id="re_unknown")
    assert "re_unknown is here and not at Stripe" in command()[0]


@pytest.mark.slow
def test_stripe_away_is_said(sandbox: Sandbox, settings: Any) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    printed, is_well = command()
    assert not is_well
    assert "Stripe could not be asked" in printed
    assert command("--offline")[1]


@pytest.fixture
def nowhere(settings: Any) -> str:
    """A file of heads in a folder where nobody can write, not even root."""
    settings.LEDGER_HEADS_FILE = "/proc/ledger/heads"
    return str(settings.LEDGER_HEADS_FILE)


def test_a_head_that_cannot_be_written_is_a_problem_after_the_comparison(
    alice: User, sandbox: Sandbox, nowhere: str
) -> None:
    tasks.verify_ledger()

    check = LedgerCheck.objects.get()
    assert check.compared_with_stripe
    assert not check.head_exported
    assert check.problems == [
        "The head can't be written: No such file or directory (/proc/ledger)."
    ]
    assert "The refund ledger has 1 problem." in [one.text for one in problems.current()]
    printed, is_well = command("--offline", "--export")
    assert not is_well
    assert "The head can't be written" in printed


@pytest.mark.slow
def test_without_stripe_the_head_is_kept_and_nothing_looks_proved(
    alice: User, settings: Any, heads: Path
) -> None:
    settings.STRIPE_API_BASE, settings.STRIPE_SECRET_KEY = "http://127.0.0.1:9", "sk_test_sandbox"
    with pytest.raises(gateway.StripeError):
        tasks.verify_ledger()

    check = LedgerCheck.objects.get()
    assert check.head_exported
    assert str(check) == "Not compared with Stripe"
    assert heads.read_text().split()[1] == "3"
    page = signed_in_now(auditor()).get(reverse("admin:billing_ledgercheck_changelist"))
    assert "Not compared with Stripe" in page.content.decode()
    assert "All is proved" not in page.content.decode()


def test_a_file_of_heads_that_is_gone_or_cannot_be_read_is_a_problem(
    alice: User, heads: Path
) -> None:
    assert ledger.verify().problems == []
    ledger.export_head(ledger.verify())
    heads.write_text(heads.read_text() + "\nnot a head\n")
    assert ledger.verify().problems == ["Line 3 of the exported heads is no head."]
    heads.unlink()
    assert ledger.verify().problems == ["The file of exported heads is gone."]
    heads.mkdir()
    assert ledger.verify().problems == [
        f"The exported heads can't be read: Is a directory ({heads})."
    ]


def test_a_forged_chain_stays_a_problem_when_its_head_is_exported(alice: User, heads: Path) -> None:
    ledger.export_head(ledger.verify())
    last = RefundEntry.objects.get(number=3)
    last.currency = "eur"
    tamper(
        "UPDATE billing_refundentry SET currency = 'eur', hash = %s WHERE number = 3",
        ledger.digest(last),
    )
    for _ in range(2):
        check = ledger.verify()
        assert check.problems == ["Entry 3 is not the one that was exported."]
        ledger.export_head(check)
    assert len(heads.read_text().splitlines()) == 3

"""Many rows are inserted by COPY as `bulk_create` would insert them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict
from django.utils import timezone

from billing.models import BankAccount, BankFile, BankLine
from billing.tests import factories
from common import copying

pytestmark = pytest.mark.django_db
HARD = 'tab\t, line\nend, \\\\N, \\\\., “quotes” "x" and Zoë 🙂'


def lines(count: int, **fields: Any) -> list[BankLine]:
    account = BankAccount.objects.get_or_create(name="Any")[0]
    file = BankFile.objects.create(account=account, name="x.csv", digest="0" * 64)
    values: dict[str, Any] = {"posted_on": timezone.localdate(), "amount": -5, "kind": "other"}
    return [
        BankLine(account=account, file=file, identity=f"{one}", number=one, **values | fields)
        for one in range(count)
    ]


def test_rows_are_as_they_were_and_have_keys() -> None:
    rows = lines(50, description=HARD, balance=None)
    copying.insert(rows)
    stored = {row.pk: row for row in BankLine.objects.all()}
    assert [model_to_dict(row) for row in rows] == [model_to_dict(stored[row.pk]) for row in rows]
    assert not any(row._state.adding for row in rows)
    later = lines(1, description="saved after it")[0]
    later.identity = "later"
    later.save()
    assert later.pk > max(stored)


def test_columns_of_other_kinds_and_times_of_making_are_stored_too() -> None:
    account = BankAccount.objects.create(name="Any")
    file = BankFile(account=account, name="x", digest="0" * 64, unreadable=[{"text": HARD}, None])
    copying.insert([file])
    stored = BankFile.objects.get()
    assert stored.unreadable == [{"text": HARD}, None]
    assert stored.imported_at == file.imported_at
    user = factories.make_member()
    copying.insert([LogEntry(user=user, object_repr="x", action_flag=CHANGE)])
    assert LogEntry.objects.get().action_time is not None


def test_what_breaks_a_rule_stores_nothing() -> None:
    copying.insert(lines(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        copying.insert(lines(3))
    assert BankLine.objects.count() == 1
    copying.insert([])

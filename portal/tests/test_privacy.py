"""docs/privacy.md names every table, and every column that can hold personal data."""

from __future__ import annotations

import re

import pytest
from django.db import connection

from common.postgres import CHECKOUT

PAGE = (CHECKOUT / "docs" / "privacy.md").read_text()
ROW = re.compile(r"^\| (`[^|]+`) \|([^|]*)\|", re.MULTILINE)
NOTHING = "## Nothing about anybody"
# Columns of text that hold no word of anybody's, in whatever table: ids of Stripe's and ours,
# states, kinds, codes of currencies and the like. A new column is one of these, or on the page.
HARMLESS = frozenset(
    """
    action actor_digest api_version billing_reason charge_id collection collection_method coupon_id
    country credit_note_id currency customer_id digest direction discount_id discounts domain
    earlier_digest end_reason identity
    failure_code failure_reason from_state given_up_reason hash interval key kind channel cause
    method method_id network_reason_code number object_id origin pause_behavior pending_reason
    previous_hash price_currency price_id promotion_codes provider_id provider_status purpose
    planned_price_id queue_name reason schedule_id
    salt session_id session_key sms_consent_source source state status stripe_id task_name tried_by
    tax_problem taxation taxes to_state type url verdict version waits_for where words_digest
    """.split()
)
COLUMNS = """
    SELECT table_name, column_name, data_type FROM information_schema.columns
    WHERE table_schema = 'public'
"""
NEVER_WORDS = ("integer", "bigint", "smallint", "boolean", "numeric", "double precision", "date")


def listed() -> dict[str, str]:
    """Return what the page says about each table that holds something about somebody."""
    holdings: dict[str, str] = {}
    for names, holds in ROW.findall(PAGE.partition(NOTHING)[0]):
        holdings |= dict.fromkeys(re.findall(r"`(\w+)`", names), holds)
    return holdings


def empty_tables() -> set[str]:
    paragraph = PAGE.partition(NOTHING)[2].partition("\n## ")[0]
    return set(re.findall(r"`(\w+)`", paragraph))


@pytest.fixture
def columns(db: None) -> dict[str, set[str]]:
    """The columns of each table that can hold words."""
    by_table: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        for table, column, kind in cursor.fetchall():
            names = by_table.setdefault(table, set())
            if kind not in NEVER_WORDS and not kind.startswith("timestamp"):
                names.add(column)
    return by_table


def test_every_table_is_on_the_page_once(columns: dict[str, set[str]]) -> None:
    assert set(listed()) | empty_tables() == set(columns), "docs/privacy.md names every table."
    assert not set(listed()) & empty_tables()


def test_every_column_that_can_name_somebody_is_on_the_page(columns: dict[str, set[str]]) -> None:
    for table, holds in listed().items():
        named = set(re.findall(r"`(\w+)`", holds))
        assert named <= columns[table], f"{table} has no such column."
        missing = columns[table] - named - HARMLESS
        assert not missing, f"docs/privacy.md doesn't say what {table} keeps in {missing}."


def test_its_days_are_those_of_the_settings() -> None:
    example = (CHECKOUT / ".env.example").read_text()
    defaults = dict(re.findall(r"^#([A-Z_]+_DAYS)=(\d+)$", example, re.MULTILINE))
    said = re.findall(r"`([A-Z_]+_KEPT_DAYS)` \((\d+)\)", PAGE)
    assert {name for name, _ in said} == {name for name in defaults if name.endswith("KEPT_DAYS")}
    assert all(defaults[name] == days for name, days in said)

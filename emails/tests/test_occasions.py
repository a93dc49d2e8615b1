"""Every kind says when it's written, and for whom."""

from __future__ import annotations

from emails import occasions
from emails.catalog import CATALOG, Category, Kind
from emails.occasions import OCCASIONS, Audience


def test_every_kind_has_an_occasion() -> None:
    assert set(OCCASIONS) == set(Kind)


def test_staff_get_what_the_catalog_sends_to_staff() -> None:
    staff = {kind for kind, spec in CATALOG.items() if spec.category == Category.STAFF}
    assert {kind for kind in Kind if occasions.audience_of(kind) == Audience.STAFF} == staff

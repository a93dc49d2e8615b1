"""Whatever somebody types into an address of the bank's pages has an answer and no error."""

from __future__ import annotations

import pytest
from django.test import Client

from billing.tests import staff_world
from billing.tests.staff_world import signed_in_now

pytestmark = pytest.mark.django_db
KEYS = ["abc", "0", "²", "٣", "9" * 40, "1/2"]
PAGES = [
    *("banktransfer/{}/match/", "banktransfer/{}/set_aside/", "banktransfer/{}/bring_back/"),
    *("allocation/{}/confirm/", "allocation/{}/undo/", "bankmail/{}/seen/"),
    *("knownpayer/{}/forget/", "bankaccount/{}/columns/", "bankfile/import/{}/"),
    *("bankfile/import/{}/yes/", "zelleterms/{}/change/"),
]
WRONG = {
    "_form_submitted": "on",
    "because": "x" * 5000,
    "match": "1",
    "pick": ["abc", "9" * 40, "-1"],
    "sure": ["a:b", "9" * 40],
    "proposed": ["²", "9" * 40],
    "one": "9:9",
    "q": "%_'" * 200,
    "sample": "a,b\n1,2",
    "day": "9999-99-99",
}


@pytest.fixture
def boss() -> Client:
    client = signed_in_now(staff_world.superuser())
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("address", PAGES)
def test_a_page_of_a_row_that_is_not_there_is_no_error(boss: Client, address: str) -> None:
    for key in KEYS:
        url = f"/staff/billing/{address.format(key)}"
        for answer in (boss.get(url), boss.post(url, WRONG)):
            assert answer.status_code in {200, 302, 403, 404, 422}, (url, answer.status_code)


@pytest.mark.parametrize(
    "address", ["allocation/to-match/", "allocation/older/", "bankfile/import/", "zelleterms/"]
)
def test_a_form_with_nonsense_is_no_error(boss: Client, address: str) -> None:
    url = f"/staff/billing/{address}"
    for typed in (WRONG, {}):
        assert boss.post(url, typed).status_code in {200, 302, 422}, typed

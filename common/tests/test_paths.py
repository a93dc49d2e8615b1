"""Addresses with a number are those that Django makes."""

from __future__ import annotations

import pytest
from django.urls import reverse

from common.paths import numbered


@pytest.mark.parametrize("name", ["billing:invoice", "billing:request-refund", "billing:refund"])
@pytest.mark.parametrize("key", [1, 987654321, 2**63 - 1])
def test_an_address_is_djangos(name: str, key: int) -> None:
    assert numbered(name, key) == reverse(name, args=[key])

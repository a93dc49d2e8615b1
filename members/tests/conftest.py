"""What every test of this app starts from."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _fresh_limits(db: None) -> None:
    """Start each test with unspent rate limits."""
    cache.clear()

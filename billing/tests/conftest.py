"""A database of a test's own, for whatever test of this app asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import DjangoDbBlocker

from testing.own_database import copy_of_the_test_database

# Read before there is a test database, which takes its place.
REAL_DATABASE = settings.DATABASES["default"]["NAME"]


@pytest.fixture(scope="session")
def test_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, made also in a run whose tests all work on copies of it.

    pytest-django makes it only where a test asks for `db`, in whose transaction nothing can be
    copied. Without it, a copy would be one of the real database.
    """
    if connection.settings_dict["NAME"] != REAL_DATABASE:
        yield
        return
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default": None})
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture
def own_database(test_database: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A copy of the test database, whose rows are committed."""
    with django_db_blocker.unblock(), copy_of_the_test_database():
        yield

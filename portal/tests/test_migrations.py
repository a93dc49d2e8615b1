"""Migrations produce what the models say, one by one, on new and old databases.

Every test with a database already shows that all of them run on an empty one.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.exceptions import NodeNotFoundError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from members.models import Member
from testing import migrated

APPS = ("billing", "business", "emails", "members", "portal")

pytestmark = pytest.mark.django_db


def migrations_of(app: str) -> list[Migration]:
    """An app's migrations in the order of their names."""
    loader = MigrationLoader(None)
    return [loader.disk_migrations[key] for key in sorted(loader.disk_migrations) if key[0] == app]


def left_to_do() -> list[str]:
    executor = MigrationExecutor(connection)
    return [str(one) for one, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_an_empty_database_was_migrated_to_the_end() -> None:
    assert left_to_do() == []


def test_a_kept_dump_is_of_these_very_migrations(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "other_migrations"
    package.mkdir()
    first = package / "0001_first.py"
    (package / "__init__.py").touch()
    first.write_text("# empty")
    monkeypatch.syspath_prepend(tmp_path)
    names = [migrated.digest()]
    settings.MIGRATION_MODULES = {"business": "other_migrations"}
    names.append(migrated.digest())
    assert migrated.digest() == names[-1]
    first.write_text("# changed")
    names.append(migrated.digest())
    (package / "0002_second.py").touch()
    names.append(migrated.digest())
    assert len(set(names)) == 4


@pytest.mark.parametrize("app", APPS)
def test_the_migrations_of_an_app_are_one_chain_and_say_what_they_do(app: str) -> None:
    before = None
    for one in migrations_of(app):
        own = [name for label, name in one.dependencies if label == app]
        assert own == ([before] if before else []), one
        module = import_module(one.__module__)
        assert module.__doc__, f"{one} has no docstring"
        before = one.name


def forget_what_was_squashed() -> list[tuple[str, str]]:
    """Record the migrations of before, as a database of then has them, instead of today's."""
    recorder = MigrationRecorder(connection)
    ours = [one for app in APPS for one in migrations_of(app)]
    last = {one.app_label: one for one in ours if one.replaces}
    squashed = [
        one for one in ours if one.app_label in last and one.name <= last[one.app_label].name
    ]
    for one in ours:
        if one.replaces or one not in squashed:
            recorder.record_unapplied(one.app_label, one.name)
    replaced = [key for one in ours for key in one.replaces]
    for key in replaced:
        recorder.record_applied(*key)
    return replaced


def test_a_database_of_before_migrations_were_squashed_needs_only_what_came_since() -> None:
    replaced = forget_what_was_squashed()
    assert len(replaced) == len(set(replaced)) == 34 + 5 + 9 + 2
    ours = [one for one in left_to_do() if one.startswith("billing.")]
    assert ours[0] == "billing.0008_remove_dispute_is_charge_refundable"
    assert not any(
        one.replaces for app in APPS for one in migrations_of(app) if str(one) in left_to_do()
    )


@pytest.mark.parametrize(
    "last",
    [
        ("billing", "0034_forgetting"),
        ("emails", "0005_forgetting"),
        ("members", "0011_access_origin"),
    ],
)
def test_a_database_that_had_not_come_so_far_is_refused(last: tuple[str, str]) -> None:
    """What its tables lack would never be made: for Django, half a chain is no reason to."""
    forget_what_was_squashed()
    MigrationRecorder(connection).record_unapplied(*last)
    with pytest.raises(NodeNotFoundError, match="some of the replaced migrations are already"):
        left_to_do()


def test_users_of_before_the_trigger_get_their_member() -> None:
    migration = import_module("members.migrations.0002_member_for_every_user")
    with connection.cursor() as cursor:
        cursor.execute(migration.DROP)
        early = User.objects.create_user("early")
        assert not Member.objects.exists()
        cursor.execute(migration.CREATE)
    late = User.objects.create_user("late")
    for user in (early, late):
        assert Member.objects.filter(user=user).exists()

"""Jobs are enqueued under names that the queue knows, each from the one table of its package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from procrastinate.contrib.django import app

from billing.core.jobs import JobName
from emails.jobs import JobName as EmailsJobName
from portal.doctor.jobs import JobName as DoctorJobName
from portal.selfservice.jobs import JobName as OwnDataJobName

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ("billing", "business", "common", "demo", "emails", "members", "portal")
TABLES = {
    ROOT / "billing" / "core" / "jobs.py",
    ROOT / "emails" / "jobs.py",
    ROOT / "portal" / "doctor" / "jobs.py",
    ROOT / "portal" / "selfservice" / "jobs.py",
}


def product() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(one for name in PRODUCT for one in (ROOT / name).rglob("*.py")):
        if "tests" not in path.parts and "migrations" not in path.parts and path not in TABLES:
            yield path.relative_to(ROOT), ast.parse(path.read_text())


@pytest.mark.parametrize("name", [*JobName, *EmailsJobName, *DoctorJobName, *OwnDataJobName])
def test_a_name_in_a_table_is_a_job(name: str) -> None:
    task = app.tasks[name]
    assert f"{task.func.__module__}.{task.func.__name__}" == name


def kept(tree: ast.Module) -> set[ast.expr]:
    """Return the names that jobs keep although their function has moved: `@app.task(name=…)`."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        keyword.value
        for call in calls
        if ast.unparse(call.func) == "app.task"
        for keyword in call.keywords
        if keyword.arg == "name"
    }


@pytest.mark.slow
def test_names_stand_in_the_tables_alone() -> None:
    """Neither as a text of its own nor inside SQL."""
    known = [name for name in app.tasks if name.startswith(tuple(f"{one}." for one in PRODUCT))]
    assert set(JobName) < set(known)
    spelled = [
        f"{path}:{node.lineno}"
        for path, tree in product()
        for but in [kept(tree)]
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in but
        if any(node.value == name or f"'{name}'" in node.value for name in known)
    ]
    assert spelled == []


@pytest.mark.slow
def test_whoever_enqueues_by_name_takes_it_from_the_table() -> None:
    """A name that is passed on has the table's type, which mypy holds."""
    count = 0
    for path, tree in product():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr != "configure_task":
                continue
            count += 1
            name = ast.unparse(node.args[0])
            typed = f"{name}: JobName" in ast.unparse(tree)
            assert name.startswith("JobName.") or typed, f"{path}:{node.lineno}"
    assert count >= 3

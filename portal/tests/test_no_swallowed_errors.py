"""No error vanishes: it is raised, logged, said, or a narrow one that the code expects."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for app in ("billing", "business", "common", "emails", "members", "portal")
    for path in (ROOT / app).rglob("*.py")
    if "tests" not in path.parts and "migrations" not in path.parts
)
# So much can be behind each of these that it is never just what the code expects.
BROAD = {
    "Exception",
    "BaseException",
    "StripeError",
    "StripeUnavailable",
    "DatabaseError",
    "IntegrityError",
    "OperationalError",
    "Error",
    "OSError",
    "SMTPException",
    "RuntimeError",
    "TwilioException",
}
# Where just this is expected, and why it is no error.
EXPECTED = {
    # A connection string is looked at, and no database: the caller says what can't be read.
    ("portal/start_checks.py", "_conninfo"),
    # "America" is a zone's folder and no zone: whoever chose it reads that.
    ("members/time_zones.py", "find"),
    # The developer's own server doesn't run yet: it is started, which says what fails.
    ("common/postgres/development.py", "embedded_url"),
}


def swallowed(tree: ast.Module) -> Iterator[tuple[str, int, str]]:
    """Yield function, line and error of what is caught and neither raised, logged nor said."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.ExceptHandler) and not says(node):
                for name in names(node.type):
                    yield function.name, node.lineno, name
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                for argument in node.args:
                    yield from ((function.name, node.lineno, name) for name in names(argument))


def names(caught: ast.expr | None) -> list[str]:
    """Return the last names of the classes that are caught."""
    if caught is None:
        return ["BaseException"]
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return [ast.unparse(part).rpartition(".")[2] for part in parts]


def says(handler: ast.ExceptHandler) -> bool:
    """Whether a handler raises, logs, or uses what it caught."""
    for node in ast.walk(ast.Module(handler.body, [])):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Name) and node.id in {handler.name, "logger"}:
            return True
    return False


@pytest.mark.slow
def test_no_broad_error_is_swallowed() -> None:
    handlers = [
        f"{where}:{line} {name}"
        for where, tree in read().items()
        for function, line, name in swallowed(tree)
        if name in BROAD and (where, function) not in EXPECTED
    ]
    assert handlers == []


@pytest.mark.slow
def test_nothing_is_passed_over() -> None:
    """`contextlib.suppress` says the same as `except …: pass`, and reads as meant."""
    handlers = [
        f"{where}:{node.lineno}"
        for where, tree in read().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and all(isinstance(part, ast.Pass) for part in node.body)
    ]
    assert handlers == []


def read() -> dict[str, ast.Module]:
    """All files of the product, by their path in the checkout."""
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in FILES}

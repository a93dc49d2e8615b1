"""No dictionary names a key twice: the first entry would be lost without a word."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("billing", "business", "common", "demo", "emails", "members", "portal", "sandbox")


def twice(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the key of entries that a later one replaces.

    Linters look at literals and plain names only, and ours are mostly members of an enum.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = Counter(ast.unparse(key) for key in node.keys if key is not None)
            yield from ((node.lineno, key) for key, count in keys.items() if count > 1)


def test_entries_of_an_enum_are_found() -> None:
    assert list(twice(ast.parse("x = {Kind.A: 1, Kind.B: 2, Kind.A: 3}"))) == [(1, "Kind.A")]


@pytest.mark.slow
def test_no_dictionary_names_a_key_twice() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {key}"
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        for line, key in twice(ast.parse(path.read_text()))
    ]
    assert found == []

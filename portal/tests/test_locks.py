"""Every lock is taken in a transaction: without one, row locks raise, and advisory ones do nothing.

Tests run inside a transaction and can't see that, so this reads the code: whatever takes a lock
opens a transaction itself, or each of its callers does, or theirs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("billing", "business", "common", "emails", "members", "portal")
ADVISORY = "pg_advisory_xact_lock"
Name = tuple[str, str]  # module and function


@dataclass
class Function:
    """What a function does outside of a transaction that it opens itself."""

    locks: bool = False
    uses: set[Name] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)


@dataclass
class Code:
    """The functions of the product, and what is used while modules are loaded (urls, tables)."""

    functions: dict[Name, Function] = field(default_factory=dict)
    methods: set[Name] = field(default_factory=set)
    loaded: set[Name] = field(default_factory=set)
    # What is used in a transaction, somewhere.
    guarded: set[Name] = field(default_factory=set)
    guarded_methods: set[str] = field(default_factory=set)

    def read(self, module: str, text: str) -> None:
        """Add a module."""
        tree = ast.parse(text)
        imported = dict(imports(tree, module))
        for parent in ast.walk(tree):
            for node in ast.iter_child_nodes(parent):
                if isinstance(node, ast.FunctionDef) and isinstance(
                    parent, ast.Module | ast.ClassDef
                ):
                    self.functions[module, node.name] = looked_at(node, module, imported, self)
                    if isinstance(parent, ast.ClassDef):
                        self.methods.add((module, node.name))
        outside = Function()
        for part in tree.body:
            if not isinstance(part, ast.FunctionDef | ast.ClassDef):
                outside = merged(outside, looked_at(part, module, imported, self))
        self.loaded |= outside.uses

    def unguarded(self) -> set[Name]:
        """Return all that takes a lock outside of a transaction if its caller has opened none."""
        unguarded = {name for name, one in self.functions.items() if one.locks}
        while True:
            by_method = {name for module, name in unguarded & self.methods}
            more = {
                name
                for name, one in self.functions.items()
                if one.uses & unguarded or one.methods & by_method
            }
            if more <= unguarded:
                return unguarded
            unguarded |= more

    def roots(self) -> list[str]:
        """Return those of them that only Django, the queue or the command line call."""
        used = {use for one in self.functions.values() for use in one.uses} | self.guarded
        names = {name for one in self.functions.values() for name in one.methods}
        names |= self.guarded_methods
        called = used | {method for method in self.methods if method[1] in names}
        unguarded = self.unguarded()
        return sorted(".".join(one) for one in unguarded if one in self.loaded or one not in called)


def imports(tree: ast.Module, module: str) -> Iterator[tuple[str, str | Name]]:
    """Yield what names stand for: modules, and functions of other modules; and one's own."""
    for part in tree.body:
        if isinstance(part, ast.FunctionDef):
            yield part.name, (module, part.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                full = f"{node.module}.{one.name}"
                is_module = (ROOT / full.replace(".", "/")).with_suffix(".py").exists()
                yield one.asname or one.name, full if is_module else (node.module, one.name)


def is_atomic(node: ast.expr) -> bool:
    return "transaction.atomic" in ast.unparse(node)


def looked_at(node: ast.stmt, module: str, imported: dict[str, str | Name], code: Code) -> Function:
    """Return what a statement does outside of transactions of its own."""
    function = Function()

    def visit(one: ast.AST, *, guarded: bool) -> None:
        if isinstance(one, ast.FunctionDef) and any(map(is_atomic, one.decorator_list)):
            guarded = True
        if isinstance(one, ast.With) and any(is_atomic(item.context_expr) for item in one.items):
            guarded = True
        note(one, guarded=guarded)
        for child in ast.iter_child_nodes(one):
            visit(child, guarded=guarded)

    def note(one: ast.AST, *, guarded: bool) -> None:
        use = resolved(one, module, imported)
        method = one.attr if isinstance(one, ast.Attribute) and use is None else None
        if guarded:
            code.guarded |= {use} if use else set()
            code.guarded_methods |= {method} if method else set()
            return
        is_lock = isinstance(one, ast.Attribute) and one.attr == "select_for_update"
        is_advisory = isinstance(one, ast.Constant) and ADVISORY in str(one.value)
        function.locks = function.locks or is_lock or is_advisory
        function.uses |= {use} if use else set()
        function.methods |= {method} if method else set()

    visit(node, guarded=False)
    return function


def resolved(one: ast.AST, module: str, imported: dict[str, str | Name]) -> Name | None:
    """Return which function of the product a name in the code is."""
    if isinstance(one, ast.Name):
        known = imported.get(one.id)
        return known if isinstance(known, tuple) else None
    if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
        known = imported.get(one.value.id)
        if isinstance(known, str):
            return known, one.attr
        if one.value.id in {"self", "cls"}:
            return module, one.attr
    return None


def merged(one: Function, other: Function) -> Function:
    return Function(one.locks or other.locks, one.uses | other.uses, one.methods | other.methods)


def product() -> Code:
    """Return the whole product's code."""
    code = Code()
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "tests" not in path.parts and "migrations" not in path.parts:
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                code.read(module.removesuffix(".__init__"), path.read_text())
    return code


@pytest.mark.slow
def test_every_lock_is_taken_in_a_transaction() -> None:
    code = product()
    assert ("billing.models.locks", "lock_member") in code.unguarded(), (
        "its callers open transactions"
    )
    assert code.roots() == []


WITHOUT = """
def take():
    Row.objects.select_for_update().get()

def view(request):
    take()
"""
WITHIN = WITHOUT.replace("def view", "@transaction.atomic\ndef view")
TABLE = WITHIN + "\nREAD_AGAIN = {'row': take}\n"


@pytest.mark.parametrize(
    ("text", "roots"), [(WITHOUT, ["shop.view"]), (WITHIN, []), (TABLE, ["shop.take"])]
)
def test_a_lock_without_a_transaction_is_found(text: str, roots: list[str]) -> None:
    code = Code()
    code.read("shop", text)
    assert code.roots() == roots

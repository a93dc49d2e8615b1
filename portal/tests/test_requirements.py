"""What the code imports is what requirements*.in ask for, not what others happen to bring."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from django.conf import settings
from packaging.requirements import Requirement

PRODUCT = ("billing", "business", "common", "emails", "members", "portal")
DEMO = ("demo", "sandbox")
CHECKS = ("bench", "e2e", "stripe_shapes", "testing")
# Not asked for: ours, type stubs, and what's in every environment.
OURS = {*PRODUCT, *DEMO, *CHECKS, "conftest", "_typeshed", "pip"}
# Parts of what is asked for, by the package that always brings them.
BROUGHT = {
    "asgiref": "django",
    "boto3": "django-storages",
    "botocore": "django-storages",
    "croniter": "procrastinate",
    "execnet": "pytest-xdist",
    "fido2": "django-allauth",
    "packaging": "gunicorn",
    "phonenumberslite": "django-phonenumber-field",
    "playwright": "pytest-playwright",
    "proxy-protocol": "pymap",
    "pysasl": "pymap",
    "qrcode": "django-allauth",
    "pyjwt": "django-allauth",
    "requests": "stripe",
    "urllib3": "django-anymail",
    "werkzeug": "flask",
}


def asked(*files: str) -> dict[str, set[str]]:
    """Return the packages that files of requirements ask for, with their extras."""
    found: dict[str, set[str]] = {}
    for name in files:
        for line in (settings.BASE_DIR / name).read_text().splitlines():
            if line[:1].isalpha():
                one = Requirement(line)
                found.setdefault(_plain(one.name), set()).update(one.extras)
    return found


by_module = cache(packages_distributions)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imports(tree: ast.AST) -> set[str]:
    """Return the packages that a tree imports, or reads files of."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {one.name for one in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module)
            case ast.Call(func=ast.Attribute(attr="files"), args=[ast.Constant(value=str(name))]):
                found.add(name)
    return {name.split(".")[0] for name in found}


def imported(folders: tuple[str, ...], *, tests: bool) -> set[str]:
    """Return the packages that our modules in these folders import: their tests', or the rest's."""
    found: set[str] = set()
    for path in (one for name in folders for one in (settings.BASE_DIR / name).rglob("*.py")):
        if ("tests" in path.parts) == tests:
            found |= _imports(ast.parse(path.read_text()))
    return found - set(sys.stdlib_module_names) - OURS


def unasked(names: set[str], known: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Return which of these imports no file asks for, with the packages they're from."""
    missing = {}
    for name in names:
        sources = {_plain(one) for one in by_module().get(name, [])}
        if not {BROUGHT.get(one, one) for one in sources} & set(known):
            missing[name] = sorted(sources)
    return missing


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folders", "tests", "files"),
    [
        (PRODUCT, False, ["requirements.in"]),
        (DEMO, False, ["requirements.in", "requirements-demo.in"]),
        (CHECKS, False, ["requirements.in", "requirements-demo.in", "requirements-dev.in"]),
        (
            (*PRODUCT, *DEMO, *CHECKS),
            True,
            ["requirements.in", "requirements-demo.in", "requirements-dev.in"],
        ),
    ],
)
def test_requirements_name_what_is_imported(
    folders: tuple[str, ...], tests: bool, files: list[str]
) -> None:
    assert unasked(imported(folders, tests=tests), asked(*files)) == {}


def _loaded(name: str) -> Iterator[Path]:
    """Yield the files of a package's modules that the portal has loaded."""
    tops = {top for top, sources in by_module().items() if name in map(_plain, sources)}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if path and path.endswith(".py") and module.__name__.split(".")[0] in tops:
            yield Path(path)


def _always(tree: ast.Module) -> set[str]:
    """Return what a module imports as it's loaded, whatever else is installed."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= _imports(node)
    return found


def _brings(name: str, extras: set[str]) -> set[str]:
    """Return what a package requires with these extras, and what that requires."""
    found: set[str] = set()
    waiting = [(name, frozenset(extras))]
    while waiting:
        one, wanted = waiting.pop()
        found.add(one)
        try:
            needs = distribution(one).requires or []
        except PackageNotFoundError:
            # One of an extra that nothing here imports, which isn't installed yet.
            continue
        for text in needs:
            need = Requirement(text)
            marker = need.marker
            if marker and not any(marker.evaluate({"extra": each}) for each in ("", *wanted)):
                continue
            if _plain(need.name) not in found:
                waiting.append((_plain(need.name), frozenset(need.extras)))
    return found


# Loaded by allauth only as someone comes back from Google or Apple.
LATER = {"django-allauth": {"pyjwt", "cryptography"}}


@pytest.mark.slow
def test_extras_are_named_for_the_parts_of_packages_that_we_use() -> None:
    """allauth's sign-in with Google needs requests, which only its extra `socialaccount` names."""
    importlib.import_module(settings.ROOT_URLCONF)
    known = asked("requirements.in")
    missing = {}
    for name, extras in known.items():
        needed = set().union(*(_always(ast.parse(one.read_text())) for one in _loaded(name)))
        brought = _brings(name, extras) | set(known)
        for top in needed - set(sys.stdlib_module_names):
            sources = {_plain(one) for one in by_module().get(top, [])}
            if sources and not sources & brought:
                missing[f"{name}: {top}"] = sorted(sources)
    assert missing == {}
    for name, later in LATER.items():
        assert later <= _brings(name, known[name])

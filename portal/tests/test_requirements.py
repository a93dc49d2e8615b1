"""What the product imports is what requirements.in asks for, not what others happen to bring."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions

from django.conf import settings

PRODUCT = ("billing", "business", "common", "emails", "members", "portal")
# Parts of what is asked for, by the package that always brings them.
BROUGHT = {
    "asgiref": "django",
    "botocore": "django-storages",
    "fido2": "django-allauth",
    "phonenumberslite": "django-phonenumber-field",
    "requests": "stripe",
}


def imported() -> set[str]:
    """Return the packages that the product's modules import, or read files of."""
    found = set()
    for path in (one for name in PRODUCT for one in (settings.BASE_DIR / name).rglob("*.py")):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import(names=names):
                    found |= {one.name for one in names}
                case ast.ImportFrom(module=str(module), level=0):
                    found.add(module)
                case ast.Call(
                    func=ast.Attribute(attr="files"), args=[ast.Constant(value=str(name))]
                ):
                    found.add(name)
    return {name.split(".")[0] for name in found}


def test_requirements_name_what_the_product_imports() -> None:
    text = (settings.BASE_DIR / "requirements.in").read_text().lower()
    asked = {re.split(r"[\[<>=~ ]", line)[0] for line in text.splitlines() if line[:1].isalpha()}
    distributions = packages_distributions()
    missing = {
        name: distributions.get(name)
        for name in imported() - set(sys.stdlib_module_names) - set(PRODUCT) - {"_typeshed"}
        if not {
            BROUGHT.get(one, one)
            for one in (each.lower().replace("_", "-") for each in distributions.get(name, []))
        }
        & asked
    }
    assert missing == {}

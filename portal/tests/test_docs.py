"""The documents match the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from billing.facts import measures
from billing.inbound.events import TARGETS, as_table
from billing.inbound.told import SILENT, TELLS
from portal.backoffice import message_table, roles

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
PACKAGES = sorted(file.parent.name for file in ROOT.glob("*/__init__.py"))
LONGEST_LINE = 120
LINK = re.compile(r"\]\(((?!https?:|mailto:)[^)#\s]*)(?:#([^)\s]*))?\)")


def test_the_deployment_guide_lists_every_webhook_event_that_we_act_on() -> None:
    guide = (ROOT / "docs" / "deploy-squarespace.md").read_text()
    block = guide.split("<!-- events -->")[1]
    listed = re.findall(r"^([a-z_.]+)$", block, re.MULTILINE)
    assert listed == sorted(TARGETS), "The list is sorted(billing.inbound.events.TARGETS)."


def test_the_table_of_events_is_the_codes() -> None:
    """`manage.py events_table` rewrites it."""
    flows = (ROOT / "docs" / "flows.md").read_text()
    assert flows.split("<!-- events -->")[1].strip() == as_table()


def test_the_definitions_of_numbers_are_the_codes() -> None:
    """The table is `billing.facts.measures.as_table()`."""
    page = (ROOT / "docs" / "numbers.md").read_text()
    assert page.split("<!-- numbers -->")[1].strip() == measures.as_table()


def test_the_table_of_who_may_what_is_the_codes() -> None:
    """`manage.py roles_table` rewrites it."""
    document = (ROOT / "docs" / "roles.md").read_text()
    assert document.split("<!-- roles -->")[1].strip() == roles.as_table()


def test_the_catalog_of_messages_is_the_codes() -> None:
    """`manage.py messages_table` rewrites it."""
    document = (ROOT / "docs" / "messages.md").read_text()
    assert document.split("<!-- messages -->")[1].strip() == message_table.as_tables()


def test_every_event_says_its_messages_or_why_it_has_none() -> None:
    assert set(TELLS) | set(SILENT) == set(TARGETS)
    assert not set(TELLS) & set(SILENT)


def test_the_example_names_every_setting_that_is_read() -> None:
    settings = (ROOT / "portal" / "settings.py").read_text()
    gunicorn = (ROOT / "deploy" / "gunicorn.conf.py").read_text()
    read = set(re.findall(r'\benv\.\w+\(\s*"([A-Z_]+)"', settings))
    read |= set(re.findall(r'(?:os\.environ\.get|_number)\("([A-Z_]+)"', gunicorn)) - {"PORT"}
    example = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    assert named - {"PORTAL_HOST", "POSTGRES_PASSWORD"} == read


def test_every_direct_dependency_has_its_reason() -> None:
    decisions = (ROOT / "docs" / "decisions.md").read_text()
    for file in ROOT.glob("requirements*.in"):
        for name in re.findall(r"^([A-Za-z][\w-]*)", file.read_text(), re.MULTILINE):
            assert f"**{name}**" in decisions, f"docs/decisions.md does not say why {name}."


def _prose(document: Path) -> str:
    """Return a document without its code blocks."""
    return re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)


def _anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.+)$", _prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for file, anchor in LINK.findall(_prose(document)):
        target = document.parent / file if file else document
        assert target.exists(), f"{document.name} links to {file}, which doesn't exist."
        if anchor:
            assert anchor in _anchors(target), (
                f"{document.name} links to {file}#{anchor}: no heading."
            )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_lines_of_documents_fit_an_editor(document: Path) -> None:
    lines = enumerate(document.read_text().splitlines(), start=1)
    long = [
        number for number, line in lines if len(line) > LONGEST_LINE and line.lstrip()[:1] != "|"
    ]
    assert not long, f"{document.name} has more than {LONGEST_LINE} characters on lines {long}."


def test_every_decision_is_in_the_index_and_dated() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text()
    index, _, records = text.partition("\n## Packages\n")
    packages, _, records = records.partition("\n## ")
    titles = re.findall(r"^### (.+)$", records, re.MULTILINE)
    linked = re.findall(r"\[([^]]+)\]\(#", " ".join(index.split()))
    assert linked == [*linked[: packages.count("\n### ")], *titles]
    for record in re.split(r"^### ", records, flags=re.MULTILINE)[1:]:
        assert re.search(r"^- \*\*Context \(\d{4}-\d\d-\d\d\):\*\* ", record, re.MULTILINE), record
        assert "\n- **Decision:** " in record, record


def test_commit_hooks_run_what_bin_test_runs() -> None:
    checks = (ROOT / "bin" / "_checks").read_text()
    hooks = " ".join((ROOT / ".pre-commit-config.yaml").read_text().split())
    steps = re.findall(r'^step "([^"]+)" (python|lint-imports)( .+)$', checks, re.MULTILINE)
    assert len(steps) >= 5
    for name, program, arguments in steps:
        assert hooks.count(f"name: {name} ") == 1, (
            f"{name} needs one hook in .pre-commit-config.yaml."
        )
        command = f".venv/bin/{program}{arguments} "
        assert command in hooks, f"The hook for {name} runs something else."


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_files_that_documents_name_are_there(document: Path) -> None:
    for named in re.findall(r"`([a-z_.][\w.-]*/[\w./-]*)`", _prose(document)):
        if not named.startswith(".data/"):
            assert (ROOT / named).exists(), f"{document.name} names {named}, which doesn't exist."


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_names_that_documents_send_readers_to_are_in_their_files(document: Path) -> None:
    """`billing/inbound/events.py` (`TARGETS`, `IGNORED`), also where a line breaks between them."""
    text = " ".join(_prose(document).split())
    for file, names in re.findall(r"`([\w./-]+/[\w.-]+\.\w+)` \(((?:`\w+`(?:, )?)+)\)", text):
        code = (ROOT / file).read_text()
        for name in re.findall(r"\w+", names):
            assert re.search(rf"\b{name}\b", code), f"{document.name}: {file} has no {name}."


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_functions_that_documents_name_are_there(document: Path) -> None:
    """`billing.refunds.transitions.move`; two parts are a permission, `billing.approve_refund`."""
    pattern = rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+){{2,}})`"
    for dotted in set(re.findall(pattern, _prose(document))) - {"portal.example.com"}:
        code, names = _code_and_names(dotted.split("."))
        assert code, f"{document.name}: there's no {dotted}."
        for name in names:
            assert re.search(rf"\b{name}\b", code), f"{document.name}: there's no {dotted}."


def _code_and_names(parts: list[str]) -> tuple[str, list[str]]:
    """Return the code of the longest module that the parts begin with, and the names after it."""
    for length in range(len(parts), 1, -1):
        path = ROOT.joinpath(*parts[:length])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists():
                return file.read_text(), parts[length:]
    return "", []


def test_the_readme_lists_every_package() -> None:
    layout = (ROOT / "README.md").read_text().partition("\n## Layout\n")[2].split("```")[1]
    named = set(re.findall(r"^(\w+)/ ", layout, re.MULTILINE))
    assert named >= set(PACKAGES)
    assert not [one for one in named if not (ROOT / one).is_dir()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_tests_that_documents_run_are_there(document: Path) -> None:
    for named in re.findall(r"bin/test ([\w/]+\.py)", document.read_text()):
        assert (ROOT / named).exists(), f"{document.name} runs {named}, which doesn't exist."

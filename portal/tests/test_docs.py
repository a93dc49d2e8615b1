"""What the documents list is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from billing.events import TARGETS, as_table

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_deployment_guide_lists_every_webhook_event_that_we_act_on() -> None:
    guide = (ROOT / "docs" / "deploy-squarespace.md").read_text()
    block = guide.split("<!-- events -->")[1]
    listed = re.findall(r"^([a-z_.]+)$", block, re.MULTILINE)
    assert listed == sorted(TARGETS), "The list is sorted(billing.events.TARGETS)."


def test_the_table_of_events_is_the_codes() -> None:
    """`manage.py events_table` writes it anew."""
    flows = (ROOT / "docs" / "flows.md").read_text()
    assert flows.split("<!-- events -->")[1].strip() == as_table()


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

"""Templates with the letterhead in them say what Django would say without."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pytest
from django.template import Context, Template
from django.template.base import TextNode
from django.utils import translation
from django.utils.safestring import mark_safe

from common.brand import palette
from common.context import current_brand
from emails import compiling, rendering
from emails.catalog import CATALOG, Kind
from emails.compiling import Part
from emails.models import Channel, Message
from emails.settling import settle
from emails.tests.hostile import hostile
from emails.translating import translated
from portal.backoffice import more_samples
from portal.backoffice.message_samples import SAMPLES

EMAILS = [kind for kind, spec in CATALOG.items() if spec.email]
VALUES: list[Any] = [
    *("", "a", "<b>&'\"", mark_safe("<b>"), 0, 1234567, 2.5, True, False, None),
    *([], [1], {}, {"inner": "<i>"}, {"inner": ""}, {"items": "x"}, {"items": 3}),
    datetime.datetime(2026, 11, 30, 1, 30, tzinfo=datetime.UTC),
    lambda: "<called>",
]
SOURCES = [
    "{{ fact }}",
    "{{ fact.inner }}",
    "{{ fact.items }}",
    "{{ missing }}{{ missing.inner }}",
    "{% if fact %}1{% else %}2{% endif %}",
    "{% if fact.inner and not missing %}1{% elif fact == 'a' %}2{% else %}3{% endif %}",
    "{% if known and fact %}1{% elif known == '<k>' %}2{{ fact }}{% else %}3{% endif %}",
    "{% if not known %}1{% elif unset %}2{% endif %}4",
    "{% if unset %}1{% elif fact %}2{% elif known %}3{{ known }}{% else %}4{% endif %}",
    "{% for one in many %}{{ forloop.counter }}{{ one.name }}{{ known }}{% endfor %}",
    "{% for one in many %}{{ one.name }}{{ fact }}{% endfor %}",
    "{% for one in none %}1{% empty %}2{{ known }}{% endfor %}",
    "{% for known in fact.inner %}{{ known }}{% endfor %}{{ known }}",
    "{% with known=fact %}{{ known }}{% if known %}1{% endif %}{% endwith %}{{ known }}",
    "{% filter upper %}{{ known }}{{ fact }}{% endfilter %}",
    "{{ known|escapejs }}{{ known|upper }}{{ fact|default:known }}{{ 'text' }}",
]
KNOWN: dict[str, Any] = {
    "known": "<k>",
    "unset": "",
    "none": [],
    "many": [{"name": "<x>"}, {"name": "y"}],
}


def kinds_and_facts() -> list[tuple[Kind, Mapping[str, Any]]]:
    """Return each kind with the facts of each sample, and with hostile ones."""
    found: list[tuple[Kind, Mapping[str, Any]]] = []
    for kind in EMAILS:
        found += [(kind, one.context.as_json()) for one in more_samples.of_kind(kind)]
        found.append((kind, hostile(SAMPLES[kind])))
    return found


@pytest.mark.parametrize("autoescape", [True, False])
@pytest.mark.parametrize("source", SOURCES)
def test_a_settled_template_says_the_same(source: str, autoescape: bool) -> None:
    plain, settled = Template(source), Template(source)
    settle(settled, KNOWN, autoescape=autoescape)
    for value in VALUES:
        facts = KNOWN | {"fact": value}
        said = [one.render(Context(dict(facts), autoescape=autoescape)) for one in (plain, settled)]
        assert said[0] == said[1], value


def test_what_is_known_is_one_piece_of_text() -> None:
    template = Template(
        "a{{ known }}{% if unset %}b{% else %}{% for one in many %}{{ one.name }}{% endfor %}"
        "{% endif %}{% if none %}c{% endif %}"
    )
    settle(template, KNOWN, autoescape=True)
    [node] = template.nodelist
    assert isinstance(node, TextNode)
    assert node.s == "a&lt;k&gt;&lt;x&gt;y"


def test_each_email_says_what_django_says() -> None:
    colors = palette(current_brand().color)
    for kind, facts in kinds_and_facts():
        message = Message(kind=kind, channel=Channel.EMAIL, context=facts)
        letterhead = rendering._letterhead_of(message)
        all_facts = rendering._facts(message, letterhead) | {"subject": "<S>", "language": "en-us"}
        with translation.override("en-us"):
            for part in Part:
                name = f"emails/{kind}.{'mjml' if part == Part.HTML else 'txt'}"
                source = compiling.subject(name) if part == Part.SUBJECT else None
                source = translated(source or compiling.flattened(name))
                if part == Part.HTML:
                    source = compiling.html_source(source, colors)
                settled = compiling._fresh_or_kept(name, part, letterhead)
                said = [
                    str(one.render(Context(dict(all_facts), autoescape=part == Part.HTML)))
                    for one in (Template(source), settled)
                ]
                assert said[0] == said[1], (kind, part)

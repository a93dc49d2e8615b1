"""Templates with the letterhead in them say what Django would say without."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.template.base import TextNode
from django.utils import translation
from django.utils.safestring import mark_safe
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from common.brand import palette
from common.context import current_brand
from emails import compiling, rendering
from emails.as_python import PythonNode
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
    "{% filter escapejs %}it's{% endfilter %}{% filter upper %}it's{% endfilter %}{{ fact }}",
    "{% filter escapejs %}{{ known }}{{ fact }}'{% endfilter %}",
    "{{ known|escapejs }}{{ known|upper }}{{ fact|default:known }}{{ 'text' }}",
    "{{ fact|escapejs }}{{ fact|upper }}{{ fact|safe }}{{ fact|upper|lower }}{{ fact|length }}",
    "{% for one in fact.items %}{{ one }}{{ known }}{{ missing }}{{ fact }}{% endfor %}",
    "{% for one in rows %}{{ one.inner }}{{ one.inner|upper }}{{ one }}{% endfor %}",
    "{% for fact in rows %}{{ fact.inner }}{% empty %}{{ fact }}{% endfor %}{{ fact }}",
    "{% for one in rows %}{{ forloop.counter }}{{ one }}{% if fact %}1{% endif %}{% endfor %}",
    "{% for one in rows reversed %}{{ one }}{% endfor %}{% for a, b in fact %}{{ a }}{% endfor %}",
    "{% for one in fact %}{{ one }}{% empty %}{{ fact }}{% endfor %}",
    "{% if fact.inner > 1 or fact in rows %}1{% endif %}{% if fact|length %}2{% endif %}",
    "{% filter escapejs %}{% if fact %}{{ fact }}{% else %}'{% endif %}{% endfilter %}",
]
FACTS = st.recursive(
    st.sampled_from(["", "a", "<b>", 0, 2, 2.5, True, None]),
    lambda inner: st.lists(inner, max_size=2) | st.fixed_dictionaries({"inner": inner}),
    max_leaves=4,
)
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
        facts = KNOWN | {"fact": value, "rows": [value, {"inner": value}, {"inner": "<"}]}
        said = [_said(one, facts, autoescape=autoescape) for one in (plain, settled)]
        assert said[0] == said[1], value


NAMES = ["fact", "other", "other.inner", "missing", "known", "unset", "'a'", "1", "fact|length"]
CONDITIONS = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: st.one_of(
        # `{% if %}` has no parentheses, so a `not` holds as far as Django's grammar says.
        inner.map("not {}".format),
        st.tuples(inner, st.sampled_from(["and", "or", "==", "!=", "in", "<"]), inner).map(
            " ".join
        ),
    ),
    max_leaves=6,
)


@given(conditions=st.tuples(CONDITIONS, CONDITIONS), fact=st.sampled_from(VALUES), other=FACTS)
@settings(max_examples=300, deadline=None)
def test_a_condition_comes_out_as_djangos(
    conditions: tuple[str, str], fact: Any, other: Any
) -> None:
    source = f"{{% if {conditions[0]} %}}1{{% elif {conditions[1]} %}}2{{% else %}}3{{% endif %}}"
    try:
        plain, settled = Template(source), Template(source)
    except TemplateSyntaxError:
        reject()
    settle(settled, KNOWN, autoescape=True)
    facts = KNOWN | {"fact": fact, "other": other}
    said = [_said(one, facts, autoescape=True) for one in (plain, settled)]
    assert said[0] == said[1]


def _said(
    template: Template, facts: Mapping[str, Any], *, autoescape: bool
) -> tuple[str, set[str]]:
    """Return what a template says, or how it breaks, and which names it asked for in vain."""
    context = rendering._Facts(facts, autoescape=autoescape)
    try:
        said = str(template.render(context))
    except (TypeError, ValueError) as error:
        # A loop over a number, or over what can't be unpacked.
        said = repr(error)
    return said, context.unknown


def test_most_of_a_receipt_is_left_to_no_node_of_djangos() -> None:
    message = Message(kind=Kind.PAYMENT_RECEIVED, channel=Channel.EMAIL, context={})
    name, letterhead = f"emails/{message.kind}.mjml", rendering._letterhead_of(message)
    [node] = compiling.html_template(name, "en-us", letterhead).nodelist
    assert isinstance(node, PythonNode)
    asked = re.findall(r"(is not list:)?\n +add\(own\d+\(context", node.source)
    # Only loops over what's no list are.
    assert asked.count("") == 0


def test_what_is_known_is_one_piece_of_text() -> None:
    template = Template(
        "a{{ known }}{% if unset %}b{% else %}{% for one in many %}{{ one.name }}{% endfor %}"
        "{% endif %}{% if none %}c{% endif %}"
    )
    settle(template, KNOWN, autoescape=True)
    [node] = template.nodelist
    assert isinstance(node, TextNode)
    assert node.s == "a&lt;k&gt;&lt;x&gt;y"


def test_words_in_a_filter_are_text_if_they_are_known() -> None:
    template = Template("{% filter escapejs %}it's{% endfilter %}{% if known %}!{% endif %}")
    settle(template, KNOWN, autoescape=True)
    [node] = template.nodelist
    assert isinstance(node, TextNode)
    assert node.s == r"it\u0027s!"


def test_a_filter_is_asked_once_for_the_same_text_in_all_parts_of_a_mail() -> None:
    facts = rendering._Facts({"fact": "a<b", "other": "c"})
    for source, autoescape, said in (
        ("{{ fact|upper }} {{ fact|upper }} {{ other|upper }}", True, "A&lt;B A&lt;B C"),
        ("{{ fact|upper }}", False, "A<B"),
    ):
        template = Template(source)
        settle(template, {}, autoescape=autoescape)
        assert rendering._fill(template, facts, autoescape=autoescape) == said
    assert list(facts.filtered.values()) == ["A<B", "C"]


def test_each_email_says_what_django_says() -> None:
    colors, asked = palette(current_brand().color), False
    for kind, facts in kinds_and_facts():
        message = Message(kind=kind, channel=Channel.EMAIL, context=facts)
        letterhead = rendering._letterhead_of(message)
        # Every other sample in another language, whose words are in other templates.
        language = "en-us" if (asked := not asked) else "de"
        all_facts = rendering._words(message, letterhead, language) | {"subject": "<S>"}
        with translation.override(language):
            for part in Part:
                name = f"emails/{kind}.{'mjml' if part == Part.HTML else 'txt'}"
                source = compiling.subject(name) if part == Part.SUBJECT else None
                source = translated(source or compiling.flattened(name))
                if part == Part.HTML:
                    source = compiling.html_source(source, colors)
                settled = compiling._fresh_or_kept(name, part, language, letterhead)
                said = [
                    str(one.render(Context(dict(all_facts), autoescape=part == Part.HTML)))
                    for one in (Template(source), settled)
                ]
                assert said[0] == said[1], (kind, part)

"""An email's template is made once: what it extends, MJML, and the styles of its elements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.template import Context, Engine, Template, TemplateSyntaxError
from django.utils.translation import get_language
from pytest_django import Settings

from common.brand import palette
from emails.compiling import Letterhead, flattened, html_source, html_template, text_template
from emails.inlining import inlined

GREEN = palette("#2f5d50")
SHEET = """
td { padding: 1px } .facts td, h1 { color: red; margin: 0 } .facts td.amount { color: blue }
tr.total td { font-weight: 600 }
"""


@pytest.fixture
def write(tmp_path: Path, settings: Settings) -> Callable[..., None]:
    """A directory of templates."""
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path], "APP_DIRS": False}]

    def write(**files: str) -> None:
        for name, source in files.items():
            (tmp_path / f"{name}.txt").write_text(source, "utf-8")

    return write


def test_blocks_of_three_generations_come_together(write: Callable[..., None]) -> None:
    write(
        eldest="{% block a %}eldest{% endblock %}, {% block b %}{% block c %}c{% endblock %}"
        "{% endblock %}, {% block d %}d{% endblock %}",
        middle='{% extends "eldest.txt" %}{% load i18n %}{% block a %}middle{% endblock %}'
        "{% block b %}[{% block inner %}{% endblock %}|{% block late %}late{% endblock %}]"
        "{% endblock %}",
        youngest='{% extends "middle.txt" %}{% load i18n %}'
        '{% block inner %}{% translate "in" %}{% endblock %}',
    )
    own = Engine.get_default().get_template("youngest.txt").render(Context())
    assert Template(flattened("youngest.txt")).render(Context()) == own == "middle, [in|late], d"


def test_what_cannot_be_put_together_is_refused(write: Callable[..., None]) -> None:
    write(
        eldest="{% block a %}a{% endblock %}",
        youngest='{% extends "eldest.txt" %}{% block a %}{{ block.super }}{% endblock %}',
    )
    with pytest.raises(TemplateSyntaxError, match=r"youngest\.txt"):
        flattened("youngest.txt")


def test_tags_stay_where_they_stood() -> None:
    source = html_source(
        "{% load i18n %}{# never seen #}<mjml><mj-body><mj-section><mj-column>"
        '{% if a < b and name == "x" %}<mj-text>{{ name }}&amp;{% if a %}<b>A</b>{% endif %}'
        '</mj-text>{% else %}<mj-button href="{{ url }}">Go</mj-button>{% endif %}'
        "<mj-table>{% for row in rows %}<tr><td>{{ row }}</td></tr>{% endfor %}</mj-table>"
        '<mj-button background-color="{{ palette.brand }}">Ok</mj-button>'
        "</mj-column></mj-section></mj-body></mjml>",
        GREEN,
    )
    facts = {"a": 1, "b": 2, "name": "x", "url": "/?a&b", "rows": ["<1>", "2"]}
    shown = Template(source).render(Context(facts))
    assert "x&amp;<b>A</b>" in shown
    assert "Go" not in shown
    assert "<tr><td>&lt;1&gt;</td></tr><tr><td>2</td></tr>" in shown
    assert "never seen" not in shown
    assert "background:#2f5d50" in shown
    other = Template(source).render(Context(facts | {"name": "y", "rows": []}))
    assert 'href="/?a&amp;b"' in other
    assert "&amp;<b>" not in other


def test_rules_go_into_what_they_match() -> None:
    assert inlined("<table><tr><td>a</td></tr></table>", SHEET) == (
        '<table><tr><td style="padding: 1px">a</td></tr></table>'
    )
    assert inlined(
        '<mj-table css-class="facts soft"><tr class="total"><td class="amount" style="x: y">'
        "[[1]]<br /></td></tr></mj-table><td>b</td>",
        SHEET,
    ) == (
        '<mj-table css-class="facts soft"><tr class="total"><td class="amount" style="padding: 1px;'
        'color: red;margin: 0;color: blue;font-weight: 600;x: y">'
        '[[1]]<br /></td></tr></mj-table><td style="padding: 1px">b</td>'
    )


def test_a_rule_that_we_do_not_understand_is_refused() -> None:
    with pytest.raises(ValueError, match="first-child"):
        inlined("<td>a</td>", "td:first-child { color: red }")


def test_templates_are_made_once_unless_we_develop(settings: Settings) -> None:
    ours, other = (Letterhead(palette(color), {}) for color in ("#2f5d50", "#ffd400"))
    name, text, language = "emails/welcome.mjml", "emails/welcome.txt", get_language()
    kept = html_template(name, language, ours)
    assert html_template(name, language, ours) is kept
    assert html_template(name, language, other) is not kept
    assert text_template(text, language) is text_template(text, language)
    settings.DEBUG = True
    assert html_template(name, language, ours) is not kept

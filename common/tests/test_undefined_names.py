"""A page that shows a name that isn't defined fails its test."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.template import Context, Engine, Origin, Template

OURS = str(settings.BASE_DIR / "templates" / "page.html")
THEIRS = "/site-packages/allauth/templates/page.html"


def render(source: str, name: str = OURS) -> str:
    """Render a template as if it stood in a file."""
    template = Template(source, origin=Origin(name), engine=Engine.get_default())
    return str(template.render(Context({"name": "Nina", "rows": [{"amount": "$29.00"}]})))


@pytest.mark.parametrize(
    "source",
    [
        "{{ nmae }}",
        "{{ nmae|upper }}",
        "{{ name.frist }}",
        "{% for row in rows %}{{ row.amuont }}{% endfor %}",
        "{% with other=nmae %}{% endwith %}",
        "{% icon nmae %}",
        '{% if name %}{% include "components/empty.html" with title=nmae only %}{% endif %}',
    ],
)
def test_undefined_name_of_ours_fails(source: str) -> None:
    with pytest.raises(AssertionError, match=r"page\.html shows an undefined name: n|row"):
        render(source)


@pytest.mark.parametrize(
    "source",
    ['{{ nmae|default:"" }}', "{% if nmae %}x{% endif %}", "{% for one in nmae %}x{% endfor %}"],
)
def test_condition_or_default_may_use_an_undefined_name(source: str) -> None:
    assert render(source) == ""


def test_template_of_a_library_shows_nothing_as_before() -> None:
    assert render("{{ nmae }}{{ nmae|upper }}", THEIRS) == ""

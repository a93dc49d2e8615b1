"""Rules of the stylesheet and the templates that no reviewer should have to look for."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings

from common import brand
from portal.styleguide import ICONS

ROOT = Path(settings.BASE_DIR)
STYLESHEET = (ROOT / "static" / "portal.css").read_text()
# Emails need inline styles, and the staff site's pages are Unfold's.
NOT_OURS = {"emails", "sms", "admin"}
TEMPLATES = [
    path
    for path in sorted((ROOT / "templates").rglob("*.html"))
    if path.relative_to(ROOT / "templates").parts[0] not in NOT_OURS
]
THEMES = {"light": 0, "dark": 1}


def token(name: str, theme: str) -> str:
    """Return a color of the stylesheet, of which each is `light-dark(#…, #…)`."""
    match = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\);", STYLESHEET)
    assert match is not None, name
    return match.groups()[THEMES[theme]]


@pytest.mark.parametrize(
    ("theme", "surfaces"), [("light", brand.LIGHT_SURFACES), ("dark", brand.DARK_SURFACES)]
)
def test_the_palette_is_made_for_the_stylesheets_surfaces(
    theme: str, surfaces: tuple[str, ...]
) -> None:
    assert tuple(token(name, theme) for name in ("page", "raised", "sunken")) == surfaces


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["ink", "ink-soft", "good", "wait", "bad", "info"])
def test_words_can_be_read_on_every_surface_and_on_their_own_tint(name: str, theme: str) -> None:
    ink = brand.parse(token(name, theme))
    for surface in ("page", "raised", "sunken"):
        ground = brand.parse(token(surface, theme))
        assert brand.contrast(ink, ground) >= brand.TEXT_CONTRAST
    tint = brand.mix(ink, brand.parse(token("raised", theme)), 0.1)
    assert brand.contrast(ink, tint) >= brand.TEXT_CONTRAST


@pytest.mark.parametrize("theme", THEMES)
def test_the_edge_of_a_field_can_be_seen(theme: str) -> None:
    edge = brand.parse(token("line-strong", theme))
    assert brand.contrast(edge, brand.parse(token("raised", theme))) >= brand.EDGE_CONTRAST


def test_every_rule_is_in_a_layer_and_none_shouts() -> None:
    assert "!important" not in STYLESHEET
    top_level = re.findall(r"^@?[\w.#:*][^{;]*(?=[{;])", STYLESHEET, re.MULTILINE)
    assert all(rule.startswith("@layer") for rule in top_level)


def test_templates_need_no_inline_style_or_script() -> None:
    for path in TEMPLATES:
        text = path.read_text()
        assert not re.search(r"\sstyle=", text), path
        assert not re.search(r"\son[a-z]+=", text), path
        assert not re.search(r"<script(?![^>]*\b(src|data-allauth-onload)=)", text), path


def test_the_sprite_has_every_icon_once() -> None:
    symbols = ElementTree.parse(ROOT / "static" / "icons.svg").getroot()  # noqa: S314 our own file
    assert sorted(symbol.attrib["id"] for symbol in symbols) == sorted(ICONS)


def test_templates_name_icons_that_exist() -> None:
    for path in TEMPLATES:
        asked = re.findall(r'icon\.html" with name="([\w-]+)"|\bicon="([\w-]+)"', path.read_text())
        assert {name for pair in asked for name in pair if name} <= set(ICONS), path

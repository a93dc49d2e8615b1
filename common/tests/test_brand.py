"""The owner can choose any color; everything derived from it is readable in both themes."""

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from common import brand

colors = st.builds(
    lambda red, green, blue: brand.Rgb(red, green, blue).hex,
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
)


@given(colors)
def test_text_on_the_brand_can_be_read_at_rest_and_under_the_pointer(color: str) -> None:
    palette = brand.palette(color)
    text = brand.parse(palette.on_brand)
    assert brand.contrast(text, brand.parse(palette.brand)) >= brand.TEXT_CONTRAST
    assert brand.contrast(text, brand.parse(palette.brand_hover)) >= brand.TEXT_CONTRAST


@given(colors)
def test_the_brand_as_ink_can_be_read_on_every_surface_and_its_tint(color: str) -> None:
    palette = brand.palette(color)
    own = brand.parse(color)
    for ink, surfaces in (
        (palette.brand_ink_light, brand.LIGHT_SURFACES),
        (palette.brand_ink_dark, brand.DARK_SURFACES),
    ):
        for surface in brand.with_tint(own, surfaces):
            assert brand.contrast(brand.parse(ink), surface) >= brand.TEXT_CONTRAST


@given(colors)
def test_the_edge_of_a_filled_control_can_be_seen(color: str) -> None:
    palette = brand.palette(color)
    for edge, surfaces in (
        (palette.brand_edge_light, brand.LIGHT_SURFACES),
        (palette.brand_edge_dark, brand.DARK_SURFACES),
    ):
        for surface in surfaces:
            seen = brand.contrast(brand.parse(edge), brand.parse(surface))
            assert seen >= brand.EDGE_CONTRAST


@pytest.mark.parametrize(
    ("color", "text"),
    [("#1f5c4d", "#ffffff"), ("#000", "#ffffff"), ("#ffd84d", "#000000"), ("#fff", "#000000")],
)
def test_text_flips_with_the_brand(color: str, text: str) -> None:
    assert brand.palette(color).on_brand == text


def test_a_readable_brand_is_left_as_the_owner_chose_it() -> None:
    assert brand.palette("#1f5c4d").brand_ink_light == "#1f5c4d"


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000", "#fff", 21.0), ("#777", "#fff", 4.48)]
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert brand.contrast(brand.parse(one), brand.parse(other)) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("color", ["", "green", "#12345", "#1f5c4d;}body{display:none"])
def test_anything_but_a_color_is_refused(color: str) -> None:
    with pytest.raises(brand.InvalidColorError):
        brand.parse(color)


def test_a_page_that_names_the_color_lets_browsers_keep_it(
    client: Client, settings: Settings
) -> None:
    settings.BRAND_COLOR = "#ffd84d"
    named = client.get("/brand.css", {"v": "#ffd84d"})
    assert "immutable" in named["Cache-Control"]
    stale = client.get("/brand.css", {"v": "#1f5c4d"})
    assert "immutable" not in stale["Cache-Control"]


def test_brand_css_carries_the_owners_color_and_may_be_kept(
    client: Client, settings: Settings
) -> None:
    settings.BRAND_COLOR = "#ffd84d"
    response = client.get("/brand.css")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/css")
    assert "--brand: #ffd84d;" in response.content.decode()
    assert "max-age" in response["Cache-Control"]
    again = client.get("/brand.css", headers={"if-none-match": response["ETag"]})
    assert again.status_code == 304


@pytest.mark.django_db
def test_the_name_at_the_foot_of_a_page_leads_to_the_public_site(
    client: Client, settings: Settings
) -> None:
    settings.BRAND_NAME = "Harbor Yoga"
    assert "<span>Harbor Yoga</span>" in client.get("/accounts/login/").content.decode()
    settings.PUBLIC_SITE_URL = "https://www.harbor.example"
    link = '<a class="link-quiet" href="https://www.harbor.example">Harbor Yoga</a>'
    assert link in client.get("/accounts/login/").content.decode()

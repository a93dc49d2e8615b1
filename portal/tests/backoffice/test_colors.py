"""Whatever color the owner picks, the staff site is readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.brand import TEXT_CONTRAST, WHITE, InvalidColorError, contrast, parse
from portal.backoffice.colors import DARK_SURFACE, LIGHT_SURFACE, primary_scale, to_oklch

WEIGHTS = ["50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "950"]
COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLORS)
def test_buttons_and_links_can_be_read(color: str) -> None:
    scale = primary_scale(color)
    button = parse(scale["600"])
    assert contrast(button, WHITE) >= TEXT_CONTRAST
    assert contrast(button, LIGHT_SURFACE) >= TEXT_CONTRAST
    assert contrast(parse(scale["700"]), parse(scale["100"])) >= TEXT_CONTRAST
    assert contrast(parse(scale["500"]), DARK_SURFACE) >= TEXT_CONTRAST


@given(COLORS)
def test_there_is_a_shade_of_every_weight(color: str) -> None:
    assert list(primary_scale(color)) == WEIGHTS


@given(COLORS)
def test_light_shades_are_lighter_than_dark_ones(color: str) -> None:
    scale = primary_scale(color)
    light = [to_oklch(parse(scale[weight])).lightness for weight in ("50", "200", "500", "700")]
    assert light == sorted(light, reverse=True)


def test_a_readable_brand_stays_what_it_is() -> None:
    brand, button = parse("#2f5d50"), parse(primary_scale("#2f5d50")["600"])
    channels = zip(
        (brand.red, brand.green, brand.blue), (button.red, button.green, button.blue), strict=True
    )
    assert all(abs(one - other) <= 1 for one, other in channels)


def test_what_is_no_color_is_refused() -> None:
    with pytest.raises(InvalidColorError):
        primary_scale("green")

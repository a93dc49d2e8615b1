"""Unfold's scale of eleven shades, made from the brand color, readable in both themes.

The shades keep the brand's hue in OKLCH (CSS Color 4), whose lightness is perceptual. If Unfold
uses a shade for text, or puts white text on it, the shade moves until it reaches WCAG's contrast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from common.brand import TEXT_CONTRAST, WHITE, Rgb, contrast, parse

# Backgrounds of Unfold's shades: --color-base-100 in light pages, --color-base-800 in dark ones.
LIGHT_SURFACE = parse("#f3f4f6")
DARK_SURFACE = parse("#1f2937")
LIGHTEST, DARKEST = 0.977, 0.29
# Each shade's position between the lightest, the brand's own (600), and the darkest, and how much
# of the brand's colorfulness it keeps.
LIGHTER = {50: 0.0, 100: 0.07, 200: 0.18, 300: 0.36, 400: 0.62, 500: 0.82, 600: 1.0}
DARKER = {700: 0.25, 800: 0.5, 900: 0.72, 950: 1.0}
CHROMA = {50: 0.1, 100: 0.2, 200: 0.4, 300: 0.65, 400: 0.9, 500: 1.0}
STEP = 0.005


@dataclass(frozen=True, slots=True)
class Oklch:
    """A color by lightness (0 to 1), chroma (0 is gray), and hue (radians)."""

    lightness: float
    chroma: float
    hue: float


def primary_scale(color: str) -> dict[str, str]:
    """Return Unfold's primary colors by weight, each `#rrggbb`.

    Raises:
        common.brand.InvalidColorError: it isn't a hexadecimal color.
    """
    return {str(weight): shade.hex for weight, shade in _shades(color).items()}


@lru_cache(maxsize=8)
def _shades(color: str) -> dict[int, Rgb]:
    brand = to_oklch(parse(color))
    own = _darkened_for_white_text(brand)
    shades = {
        weight: _shade(brand, LIGHTEST + (own - LIGHTEST) * share, CHROMA.get(weight, 1.0))
        for weight, share in LIGHTER.items()
    }
    darkest = min(own, DARKEST)
    for weight, share in DARKER.items():
        shades[weight] = _shade(brand, own + (darkest - own) * share, 1.0)
    # Links and the current page of the dark theme.
    shades[500] = _lightened_for_dark_pages(brand, shades[500])
    shades[400] = _lightened_for_dark_pages(brand, shades[400])
    return shades


def _darkened_for_white_text(brand: Oklch) -> float:
    """Return the brand's lightness, lowered until it's readable as text and under white text."""
    lightness = brand.lightness
    while lightness > 0:
        shade = _shade(brand, lightness, 1.0)
        if min(contrast(shade, WHITE), contrast(shade, LIGHT_SURFACE)) >= TEXT_CONTRAST:
            return lightness
        lightness -= STEP
    return 0.0


def _lightened_for_dark_pages(brand: Oklch, shade: Rgb) -> Rgb:
    lightness = to_oklch(shade).lightness
    while contrast(shade, DARK_SURFACE) < TEXT_CONTRAST and lightness < 1:
        lightness += STEP
        shade = _shade(brand, lightness, 1.0)
    return shade


def _shade(brand: Oklch, lightness: float, chroma: float) -> Rgb:
    """Return the brand at another lightness, less colorful if sRGB lacks the color."""
    keep = brand.chroma * chroma
    while True:
        channels = _linear_rgb(Oklch(lightness, keep, brand.hue))
        if all(-1e-4 <= channel <= 1 + 1e-4 for channel in channels) or keep <= 0:
            return Rgb(*(_gamma(channel) for channel in channels))
        keep -= STEP


def to_oklch(color: Rgb) -> Oklch:
    """Convert sRGB to OKLCH, with the matrices from CSS Color 4."""
    red, green, blue = (_linear(c) for c in (color.red, color.green, color.blue))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return Oklch(lightness, math.hypot(a, b), math.atan2(b, a))


def _linear_rgb(color: Oklch) -> tuple[float, float, float]:
    a, b = color.chroma * math.cos(color.hue), color.chroma * math.sin(color.hue)
    long = (color.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (color.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (color.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def _gamma(linear: float) -> int:
    light = min(max(linear, 0.0), 1.0)
    share = light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
    return round(share * 255)

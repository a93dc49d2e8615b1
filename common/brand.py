"""Turns the owner's brand color into a palette that stays readable in both themes."""

import re
from dataclasses import dataclass
from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import condition, require_safe

from common.context import current_brand

# WCAG 2.2: 1.4.3 for text, 1.4.11 for the edges of controls.
TEXT_CONTRAST = 4.5
EDGE_CONTRAST = 3.0

# --page, --raised, and --sunken of static/portal.css: backgrounds for text in the brand color.
LIGHT_SURFACES = ("#faf9f7", "#ffffff", "#f4f2ee")
DARK_SURFACES = ("#141312", "#1c1b19", "#24221f")
# The brand's share in --brand-tint, plus a margin for rounding.
TINT_SHARE = 0.09

# Pages name the color in the address, so what's cached there never changes.
KEEP_NAMED_SECONDS = 31_536_000
KEEP_PLAIN_SECONDS = 300


class InvalidColorError(ValueError):
    """The setting BRAND_COLOR isn't a hexadecimal color."""


@dataclass(frozen=True, slots=True)
class Rgb:
    """An sRGB color; channels from 0 to 255."""

    red: int
    green: int
    blue: int

    @property
    def hex(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


BLACK = Rgb(0, 0, 0)
WHITE = Rgb(255, 255, 255)


@dataclass(frozen=True, slots=True)
class Palette:
    """What `/brand.css` offers to the stylesheet; every value is `#rrggbb`."""

    brand: str
    brand_hover: str
    on_brand: str
    brand_ink_light: str
    brand_ink_dark: str
    brand_edge_light: str
    brand_edge_dark: str


def parse(color: str) -> Rgb:
    """Reads `#rgb` or `#rrggbb`; raises InvalidColorError on anything else."""
    match = re.fullmatch(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", color.strip())
    if match is None:
        raise InvalidColorError(f"BRAND_COLOR must be a color like #1f5c4d, not {color!r}.")
    digits = match.group(1)
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return Rgb(*(int(digits[at : at + 2], 16) for at in (0, 2, 4)))


def luminance(color: Rgb) -> float:
    """Relative luminance from 0 to 1, as WCAG 2.2 defines it."""

    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue)


def contrast(one: Rgb, other: Rgb) -> float:
    """WCAG contrast ratio, from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """`color-mix(in srgb, one share, other)`."""

    def channel(first: int, second: int) -> int:
        return round(first * share + second * (1 - share))

    return Rgb(
        channel(one.red, other.red), channel(one.green, other.green), channel(one.blue, other.blue)
    )


def text_on(color: Rgb) -> Rgb:
    """White if it's readable, else black: one of the two always is."""
    return WHITE if contrast(color, WHITE) >= TEXT_CONTRAST else BLACK


def readable(color: Rgb, surfaces: tuple[Rgb, ...], towards: Rgb, ratio: float) -> Rgb:
    """The color, moved toward black or white only as far as every surface needs."""
    for percent in range(100, 0, -1):
        candidate = mix(color, towards, percent / 100)
        if all(contrast(candidate, surface) >= ratio for surface in surfaces):
            return candidate
    return towards


def with_tint(brand: Rgb, surfaces: tuple[str, ...]) -> tuple[Rgb, ...]:
    """The surfaces, and each of them with a brand tint."""
    plain = tuple(parse(surface) for surface in surfaces)
    return plain + tuple(mix(brand, surface, TINT_SHARE) for surface in plain)


@lru_cache(maxsize=8)
def palette(color: str) -> Palette:
    """Derives all brand colors from the owner's one. Raises InvalidColorError."""
    brand = parse(color)
    on_brand = text_on(brand)
    away_from_text = BLACK if on_brand == WHITE else WHITE
    light = with_tint(brand, LIGHT_SURFACES)
    dark = with_tint(brand, DARK_SURFACES)
    return Palette(
        brand=brand.hex,
        brand_hover=mix(brand, away_from_text, 0.88).hex,
        on_brand=on_brand.hex,
        brand_ink_light=readable(brand, light, BLACK, TEXT_CONTRAST).hex,
        brand_ink_dark=readable(brand, dark, WHITE, TEXT_CONTRAST).hex,
        brand_edge_light=readable(brand, light, BLACK, EDGE_CONTRAST).hex,
        brand_edge_dark=readable(brand, dark, WHITE, EDGE_CONTRAST).hex,
    )


def stylesheet(colors: Palette) -> str:
    """The custom properties that `static/portal.css` is written in."""
    lines = (
        f"  --brand: {colors.brand};",
        f"  --brand-hover: {colors.brand_hover};",
        f"  --on-brand: {colors.on_brand};",
        f"  --brand-ink-light: {colors.brand_ink_light};",
        f"  --brand-ink-dark: {colors.brand_ink_dark};",
        f"  --brand-edge-light: {colors.brand_edge_light};",
        f"  --brand-edge-dark: {colors.brand_edge_dark};",
    )
    return "\n".join((":root {", *lines, "}", ""))


def brand_etag(_request: HttpRequest) -> str:
    """Changes with the setting, so a new color shows on the next visit."""
    return f'"brand-{parse(current_brand().color).hex[1:]}"'


@require_safe
@condition(etag_func=brand_etag)
def brand_css(request: HttpRequest) -> HttpResponse:
    """Serves the owner's palette, the same for everyone; `?v=` names the color."""
    color = current_brand().color
    response = HttpResponse(stylesheet(palette(color)), content_type="text/css")
    if request.GET.get("v") == color:
        response["Cache-Control"] = f"public, max-age={KEEP_NAMED_SECONDS}, immutable"
    else:
        response["Cache-Control"] = f"public, max-age={KEEP_PLAIN_SECONDS}"
    return response

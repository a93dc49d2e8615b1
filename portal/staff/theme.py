"""Unfold's settings: brand, navigation and home page of the staff site."""

from typing import Any


def unfold_theme(brand_name: str, brand_color: str) -> dict[str, Any]:
    """Return the `UNFOLD` setting for this brand."""
    return {
        "SITE_TITLE": brand_name,
        "SITE_HEADER": brand_name,
    }

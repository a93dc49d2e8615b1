"""The brand in force: what staff saved wins, and the environment fills what they left empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from business.kept import Kept
from business.models import BrandVersion, Picture
from common.brand import EDGE_CONTRAST, WHITE, InvalidColorError, contrast, parse
from common.context import Benefit, Brand, Social, brand_of_environment

# Height of the logo in an email's header.
MAIL_LOGO_HEIGHT = 40


def current() -> Brand:
    """Return the brand in force."""
    return _filled(_kept.get(), brand_of_environment())


def of_version(row: BrandVersion | None) -> Brand:
    """Return the brand as it's shown with this version in force, saved or not."""
    return _filled(_saved(row) if row else None, brand_of_environment())


def forget() -> None:
    """Read what's in force again: it has changed."""
    _kept.forget()


def assume_nothing_saved() -> None:
    """Start with the environment's brand. For tests."""
    _kept.assume(None)


def newest() -> BrandVersion | None:
    """Return the version in force, with its pictures."""
    return rows().first()


def rows() -> QuerySet[BrandVersion]:
    """Return all versions with their pictures, the newest first."""
    return BrandVersion.objects.select_related("logo", "cover")


def _read() -> Brand | None:
    row = newest()
    return _saved(row) if row else None


_kept = Kept(_read)


def _saved(row: BrandVersion) -> Brand:
    """Return what a version says; empty means that it says nothing."""
    return Brand(
        name=row.name,
        tagline=row.tagline,
        color=row.color,
        support_email=row.support_email,
        support_phone=row.support_phone,
        support_hours=row.support_hours,
        postal_address=row.postal_address,
        public_site_url=row.public_site_url,
        vat_id=row.vat_id,
        benefits=tuple(
            Benefit(icon=_text(one, "icon"), text=_text(one, "text"), url=_text(one, "url"))
            for one in row.benefits
        ),
        socials=tuple(
            Social(name=_text(one, "name"), url=_text(one, "url")) for one in row.socials
        ),
        **(_logo(row.logo) if row.logo else {}),
        **(_cover(row.cover, row.cover_alt) if row.cover else {}),
    )


def _text(entry: Mapping[str, Any], name: str) -> str:
    return str(entry.get(name) or "")


def _logo(picture: Picture) -> dict[str, Any]:
    height = picture.mail_height or 1
    return {
        "logo_url": address_of(picture.file),
        "logo_file": picture.file,
        "logo_width": picture.width,
        "logo_height": picture.height,
        "logo_backing_light": "brand" if picture.is_pale else "",
        "logo_backing_dark": "paper" if picture.is_dark else "",
        "mail_logo_url": address_of(picture.mail) if picture.mail else "",
        "mail_logo_width": round(picture.mail_width * MAIL_LOGO_HEIGHT / height),
        "mail_logo_height": MAIL_LOGO_HEIGHT,
        "icon_url": address_of(picture.icon) if picture.icon else "",
    }


def _cover(picture: Picture, words: str) -> dict[str, Any]:
    return {
        "cover_url": address_of(picture.file),
        "cover_alt": words,
        "cover_width": picture.width,
        "cover_height": picture.height,
    }


def address_of(file: str) -> str:
    """Return the path at which a picture is served."""
    return reverse("brand-picture", args=[file])


@lru_cache(maxsize=32)
def _filled(saved: Brand | None, environment: Brand) -> Brand:
    """Return what was saved, with the environment's values where that's empty."""
    if saved is None:
        return environment
    brand = replace(
        saved,
        name=saved.name or environment.name,
        color=saved.color or environment.color,
        support_email=saved.support_email or environment.support_email,
        postal_address=saved.postal_address or environment.postal_address,
        public_site_url=saved.public_site_url or environment.public_site_url,
    )
    if brand.logo_backing_light and _is_pale(brand.color):
        brand = replace(brand, logo_backing_light="ink")
    return brand


def _is_pale(color: str) -> bool:
    """Whether white is hard to see on it."""
    try:
        return contrast(parse(color), WHITE) < EDGE_CONTRAST
    except InvalidColorError:
        return False

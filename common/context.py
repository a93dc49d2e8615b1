"""What every template can show about the business."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils.module_loading import import_string

# Width by height from which on a logo has the name in it.
WIDE = 2.5


@dataclass(frozen=True)
class Benefit:
    """What membership gives, in a line: an icon of `static/icons.svg`, words, maybe a link."""

    icon: str
    text: str
    url: str = ""


@dataclass(frozen=True)
class Social:
    """The business elsewhere, by the network's name: "Instagram"."""

    name: str
    url: str


@dataclass(frozen=True)
class Brand:
    """The owner's name, colors, pictures, and addresses; what isn't set is empty.

    Addresses of pictures are paths on this host. `logo_backing_light` names what a pale logo needs
    behind it on light pages ("brand", or "ink" if that's pale too), and `logo_backing_dark` a dark
    one on dark pages ("paper"). `mail_logo_url` is the logo on a background of its own.
    """

    name: str
    color: str
    support_email: str
    postal_address: str
    public_site_url: str
    tagline: str = ""
    logo_url: str = ""
    logo_file: str = ""
    logo_width: int = 0
    logo_height: int = 0
    logo_backing_light: str = ""
    logo_backing_dark: str = ""
    mail_logo_url: str = ""
    mail_logo_width: int = 0
    mail_logo_height: int = 0
    icon_url: str = ""
    cover_url: str = ""
    cover_alt: str = ""
    cover_width: int = 0
    cover_height: int = 0
    benefits: tuple[Benefit, ...] = ()
    socials: tuple[Social, ...] = ()
    vat_id: str = ""
    support_phone: str = ""
    support_hours: str = ""

    @property
    def is_logo_wide(self) -> bool:
        """Whether the logo is so wide that it says the name itself."""
        return self.logo_width > self.logo_height * WIDE


@cache
def brand_of_environment() -> Brand:
    """Return the brand from the settings; a page asks more than once, and so does each mail."""
    return Brand(
        name=settings.BRAND_NAME,
        color=settings.BRAND_COLOR,
        support_email=settings.SUPPORT_EMAIL,
        postal_address=settings.POSTAL_ADDRESS,
        public_site_url=settings.PUBLIC_SITE_URL,
    )


def _forget(**_signal: Any) -> None:
    brand_of_environment.cache_clear()


# Tests change settings.
setting_changed.connect(_forget)
_preview: ContextVar[Brand | None] = ContextVar("brand preview", default=None)


@contextmanager
def shown_as(brand: Brand) -> Iterator[None]:
    """Show everything under another brand meanwhile: a preview of what isn't saved."""
    token = _preview.set(brand)
    try:
        yield
    finally:
        _preview.reset(token)


def current_brand() -> Brand:
    """Return the brand in force: what staff have saved, else the environment's."""
    if (preview := _preview.get()) is not None:
        return preview
    return _reader(settings.BRAND_READER)()


@cache
def _reader(path: str) -> Callable[[], Brand]:
    reader: Callable[[], Brand] = import_string(path)
    return reader


def brand(request: HttpRequest) -> dict[str, Brand | str]:
    """Context processor: `brand` and the addresses of portal, terms, and privacy policy."""
    return {
        "brand": current_brand(),
        "portal_address": settings.PORTAL_URL,
        "terms_url": settings.TERMS_URL,
        "privacy_url": settings.PRIVACY_URL,
    }

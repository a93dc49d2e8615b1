"""What every template can show about the business."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True)
class Brand:
    """The owner's name, color, and addresses, as set in the environment."""

    name: str
    color: str
    support_email: str
    postal_address: str
    public_site_url: str


def current_brand() -> Brand:
    """Return the brand from the settings (read at call time, so tests can override them)."""
    return Brand(
        name=settings.BRAND_NAME,
        color=settings.BRAND_COLOR,
        support_email=settings.SUPPORT_EMAIL,
        postal_address=settings.POSTAL_ADDRESS,
        public_site_url=settings.PUBLIC_SITE_URL,
    )


def brand(request: HttpRequest) -> dict[str, Brand | str]:
    """Context processor: `brand`, `terms_url`, and `privacy_url` in every template."""
    return {
        "brand": current_brand(),
        "terms_url": settings.TERMS_URL,
        "privacy_url": settings.PRIVACY_URL,
    }

"""The demo's brand: drawn and written for a yoga studio by a harbor, saved as its owner would."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.models import User

from business import brand, drawing, uploads, versions
from business.models import BrandVersion, PictureUse

PICTURES = Path(__file__).resolve().parent / "pictures"
BENEFITS = [
    {"icon": "people", "text": "Unlimited classes, seven days a week", "url": ""},
    {
        "icon": "video",
        "text": "Recordings of every class",
        "url": "https://www.example.com/recordings",
    },
    {"icon": "discount", "text": "20% off workshops and retreats", "url": ""},
    {"icon": "gift", "text": "A guest pass every month", "url": ""},
    {"icon": "cup", "text": "Tea by the water after class", "url": ""},
]
SOCIALS = [
    {"name": "Instagram", "url": "https://www.example.com/instagram"},
    {"name": "YouTube", "url": "https://www.example.com/youtube"},
]


def make_brand(owner: User) -> None:
    """Save the brand."""
    logo = uploads.add((PICTURES / "logo.svg").read_bytes(), PictureUse.LOGO, owner)
    # Covers are photos; ours is drawn.
    photo = drawing.draw((PICTURES / "cover.svg").read_bytes())
    cover = uploads.add(photo, PictureUse.COVER, owner)
    values = {
        "name": "Harbor Yoga",
        "tagline": "Breathe easier, by the water",
        "color": "#2f5d50",
        "logo": logo,
        "cover": cover,
        "cover_alt": "Someone meditating on a pier at sunrise",
        "benefits": BENEFITS,
        "socials": SOCIALS,
        "public_site_url": "https://www.example.com/harbor-yoga",
        "postal_address": "1 Harbor Street, Portland, ME 04101",
        "support_email": "help@harbor-yoga.example",
        "support_phone": "+1 207 555 0134",
        "support_hours": "Monday to Friday, 9 to 5",
        "vat_id": "",
    }
    versions.save(BrandVersion, values, owner, based_on=versions.newest_number(BrandVersion))
    brand.forget()

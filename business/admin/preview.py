"""Portal, email, and PDF as they'd look under a brand that isn't saved."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from business.models import Picture
from common import brand as colors
from common import days, documents
from common.context import Brand, shown_as
from emails import looks, rendering
from emails.catalog import Kind
from emails.models import Channel, Message

# What the sample email and PDF are about.
AMOUNT = "$29.00"


@dataclass(frozen=True)
class Preview:
    """What the page shows: whole documents for frames, a picture, and remarks in words."""

    portal: str
    portal_dark: str
    email: str
    email_dark: str
    pdf: str
    remarks: list[str]


def preview_of(brand: Brand, logo: Picture | None) -> Preview:
    """Return the product as it looks under a brand."""
    with shown_as(brand):
        email = _email(brand)
        return Preview(
            portal=_portal(brand, "light"),
            portal_dark=_portal(brand, "dark"),
            email=looks.in_scheme(email, "light"),
            email_dark=looks.in_scheme(email, "dark"),
            pdf=_pdf(),
            remarks=remarks(brand, logo),
        )


def _portal(brand: Brand, scheme: str) -> str:
    facts = {
        "brand": brand,
        "palette": colors.stylesheet(colors.palette(brand.color)),
        "scheme": scheme,
        "user": {"first_name": _("Nina"), "get_full_name": _("Nina Novak")},
        "membership": _membership(brand),
    }
    return render_to_string("business/preview_portal.html", facts)


def _membership(brand: Brand) -> dict[str, Any]:
    """Return a member's state, as the card on the home page reads it."""
    now = timezone.now()
    return {
        "is_member": True,
        "state": "active",
        "tone": "good",
        "label": _("Active"),
        "sentence": _("Your next payment is %(amount)s.") % {"amount": AMOUNT},
        "member_since": now - timedelta(days=400),
        "plan_name": _("%(name)s membership") % {"name": brand.name},
        "price": AMOUNT,
        "rate_with_tax": _("%(price)s a month") % {"price": AMOUNT},
    }


def _email(brand: Brand) -> str:
    now = timezone.now()
    context: dict[str, Any] = {
        "name": _("Nina Novak"),
        "plan_name": _("%(name)s membership") % {"name": brand.name},
        "rate": _("%(price)s a month") % {"price": AMOUNT},
        "tax_words": "",
        "next_charge_on": (now + timedelta(days=30)).isoformat(),
        "by_invoice": False,
        "trial_ends_on": None,
    }
    message = Message(
        kind=Kind.WELCOME, channel=Channel.EMAIL, recipient="nina@example.com", context=context
    )
    return rendering.render_email(message).html


def _pdf() -> str:
    """Return the first page of a receipt as a picture's address."""
    now = timezone.now()
    content = {
        "title": _("Receipt"),
        "facts": [
            [_("For"), _("Nina Novak")],
            [_("Paid on"), days.long(timezone.localtime(now))],
        ],
        "head": [_("For"), _("Amount")],
        "lines": [[_("Membership, one month"), AMOUNT]],
        "totals": [[_("Paid"), AMOUNT]],
    }
    picture = documents.picture("payment_receipt", content, made_at=now)
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def remarks(brand: Brand, logo: Picture | None) -> list[str]:
    """Return what the owner should know about color and logo, in sentences."""
    palette = colors.palette(brand.color)
    said = []
    if palette.on_brand != colors.WHITE.hex:
        said.append(_("White is hard to read on this color, so text on it is dark."))
    if palette.brand_ink_light != palette.brand:
        said.append(
            _("On light pages, links use a darker shade of it: %(shade)s.")
            % {"shade": palette.brand_ink_light}
        )
    if palette.brand_ink_dark != palette.brand:
        said.append(
            _("On dark pages, links use a lighter shade of it: %(shade)s.")
            % {"shade": palette.brand_ink_dark}
        )
    if logo and logo.is_pale:
        said.append(
            _("Your logo is hard to see on white, so it gets a dark background on light pages.")
        )
    if logo and logo.is_dark:
        said.append(
            _("Your logo is hard to see on dark pages, so it gets a white background there.")
        )
    if logo and not logo.icon:
        said.append(
            _("Your logo is too long for a browser’s tab, which keeps the portal’s own icon.")
        )
    return said

"""The form of the brand: what staff may say, checked field by field, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from business.admin.history import Changed
from business.models import BrandVersion, Picture, PictureUse
from common import addresses
from common.brand import InvalidColorError, parse
from common.context import Brand
from common.fields import MailboxField, WordsField
from common.web_addresses import in_ascii

MOST_BENEFITS, MOST_SOCIALS = 8, 6
WEB = URLValidator(schemes=["http", "https"])
# Of `static/icons.svg`, with what they show.
ICONS = {
    "check": lazy("Check mark"),
    "heart": lazy("Heart"),
    "star": lazy("Star"),
    "gift": lazy("Gift"),
    "people": lazy("People"),
    "calendar": lazy("Calendar"),
    "time": lazy("Clock"),
    "discount": lazy("Price tag"),
    "place": lazy("Map pin"),
    "video": lazy("Video"),
    "book": lazy("Book"),
    "cup": lazy("Cup"),
    "sun": lazy("Sun"),
    "leaf": lazy("Leaf"),
    "bell": lazy("Bell"),
    "mail": lazy("Envelope"),
    "phone": lazy("Phone"),
    "lock": lazy("Lock"),
    "card": lazy("Card"),
    "download": lazy("Download"),
}
# Networks by the end of their hosts.
NETWORKS = {
    "instagram.com": "Instagram",
    "facebook.com": "Facebook",
    "youtube.com": "YouTube",
    "youtu.be": "YouTube",
    "tiktok.com": "TikTok",
    "linkedin.com": "LinkedIn",
    "x.com": "X",
    "twitter.com": "X",
    "threads.net": "Threads",
    "threads.com": "Threads",
    "bsky.app": "Bluesky",
    "pinterest.com": "Pinterest",
    "yelp.com": "Yelp",
    "wa.me": "WhatsApp",
    "t.me": "Telegram",
}
UPLOADS = {"logo_upload": PictureUse.LOGO, "cover_upload": PictureUse.COVER}
PICTURES = {"logo": PictureUse.LOGO, "cover": PictureUse.COVER}


class WebField(WordsField):
    """A web address; `https://` may be left out."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "url", "autocapitalize": "none"})
        super().__init__(max_length=300, required=False, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        """Return the address with its scheme, and its host as DNS has it."""
        text = super().clean(value)
        if not text:
            return ""
        whole = in_ascii(text if "://" in text else f"https://{text}")
        try:
            WEB(whole)
        except ValidationError as error:
            raise ValidationError(
                _("Enter a web address, such as https://www.example.com.")
            ) from error
        return whole


def _line(label: Any, most: int, help_text: Any = "") -> WordsField:
    return WordsField(
        label=label,
        max_length=most,
        required=False,
        help_text=help_text,
        widget=UnfoldAdminTextInputWidget,
    )


@dataclass(frozen=True)
class Row:
    """A benefit or a social link on the form. `number` is its place, from 1."""

    kind: str
    number: int
    fields: list[forms.BoundField]
    is_first: bool
    is_empty: bool
    errors: list[str]


class BrandForm(forms.Form):
    """The brand, as staff type it."""

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    name = _line(lazy("Name"), 60, lazy("On every page, in every message and PDF."))
    tagline = _line(lazy("Tagline"), 140, lazy("One sentence, such as “Breathe by the water.”"))
    color = _line(lazy("Color"), 7, lazy("Like #2f5d50. Readable shades for text are derived."))
    logo = forms.IntegerField(required=False, widget=forms.HiddenInput)
    cover = forms.IntegerField(required=False, widget=forms.HiddenInput)
    cover_alt = _line(
        lazy("What the cover picture shows"),
        200,
        lazy("For people who can’t see it. Leave it empty if the picture is only decoration."),
    )
    public_site_url = WebField(
        label=lazy("Website"), help_text=lazy("Your name at the foot of every page links to it.")
    )
    postal_address = WordsField(
        label=lazy("Postal address"),
        max_length=300,
        required=False,
        help_text=lazy("At the foot of pages, emails, and PDFs."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    vat_id = _line(lazy("Tax ID"), 40, lazy("Such as a VAT number, if you must show one."))
    support_email = MailboxField(
        label=lazy("Support email"),
        required=False,
        help_text=lazy("Where members write, and where replies to emails go."),
        widget=UnfoldAdminEmailInputWidget,
    )
    support_phone = _line(lazy("Support phone"), 40)
    support_hours = _line(
        lazy("Support hours"), 140, lazy("Such as “Monday to Friday, 9 to 5 Eastern”.")
    )

    def __init__(self, data: QueryDict | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        for number in range(1, MOST_BENEFITS + 1):
            self._add_benefit(number)
        for number in range(1, MOST_SOCIALS + 1):
            self._add_social(number)
        self.pictures: dict[str, Picture] = {}
        # A newer version that someone else saved, and what it changed.
        self.overtaken_by: BrandVersion | None = None
        self.overtaken: list[Changed] = []

    def _add_benefit(self, number: int) -> None:
        label = _("Benefit %(number)s: %(what)s")
        icon = forms.ChoiceField(
            choices=list(ICONS.items()), required=False, widget=UnfoldAdminSelectWidget
        )
        text, url = _line("", 120), WebField()
        for part, field, what, hint in (
            ("icon", icon, _("icon"), ""),
            ("text", text, _("text"), _("Unlimited classes")),
            ("url", url, _("link"), _("Link (optional)")),
        ):
            field.label = label % {"number": number, "what": what}
            field.widget.attrs |= {"aria-label": field.label, "placeholder": hint}
            self.fields[f"benefit_{number}_{part}"] = field

    def _add_social(self, number: int) -> None:
        url, name = WebField(), _line("", 40)
        url.label = _("Social link %(number)s: address") % {"number": number}
        name.label = _("Social link %(number)s: name") % {"number": number}
        url.widget.attrs |= {"aria-label": url.label, "placeholder": "instagram.com/yourname"}
        name.widget.attrs |= {"aria-label": name.label, "placeholder": _("Name (optional)")}
        self.fields[f"social_{number}_url"] = url
        self.fields[f"social_{number}_name"] = name

    def say_what_holds(self, environment: Brand) -> None:
        """Show in empty fields what the environment says."""
        for name in ("name", "color", "support_email", "public_site_url", "postal_address"):
            if value := getattr(environment, name):
                self.fields[name].widget.attrs["placeholder"] = value

    @property
    def benefit_rows(self) -> list[Row]:
        """The rows of benefits: those with text, and two more."""
        return self._rows("benefit", MOST_BENEFITS, ("icon", "text", "url"), "text")

    @property
    def social_rows(self) -> list[Row]:
        """The rows of social links: those with an address, and two more."""
        return self._rows("social", MOST_SOCIALS, ("url", "name"), "url")

    def _rows(self, kind: str, most: int, parts: tuple[str, ...], main: str) -> list[Row]:
        rows = []
        for number in range(1, most + 1):
            fields = [self[f"{kind}_{number}_{part}"] for part in parts]
            filled = any(self[f"{kind}_{number}_{part}"].value() for part in parts[-2:])
            errors = [str(error) for field in fields for error in field.errors]
            rows.append(Row(kind, number, fields, number == 1, not filled, errors))
        last = max((row.number for row in rows if not row.is_empty), default=0)
        return rows[: last + 2]

    def clean_color(self) -> str:
        """Return `#rrggbb` in lower case."""
        text: str = self.cleaned_data["color"]
        if not text:
            return ""
        try:
            return parse(text).hex
        except InvalidColorError as error:
            raise ValidationError(_("Enter a color like #2f5d50.")) from error

    def clean_support_email(self) -> str:
        """Refuse what many mail servers can't reply to."""
        address: str = self.cleaned_data["support_email"]
        if address and addresses.needs_smtputf8(address):
            raise ValidationError(
                _("Use only a to z and digits before the @: not all mail servers take more.")
            )
        return address

    def clean(self) -> dict[str, Any]:
        """Find the pictures, and see that rows are whole."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, use in PICTURES.items():
            self._find_picture(name, use)
        for number in range(1, MOST_BENEFITS + 1):
            if cleaned.get(f"benefit_{number}_url") and not cleaned.get(f"benefit_{number}_text"):
                self.add_error(f"benefit_{number}_text", _("Say what this link is for."))
        for number in range(1, MOST_SOCIALS + 1):
            if cleaned.get(f"social_{number}_name") and not cleaned.get(f"social_{number}_url"):
                self.add_error(f"social_{number}_url", _("Enter the address of this link."))
        return cleaned

    def _find_picture(self, name: str, use: PictureUse) -> None:
        """A picture may be gone: unused ones are kept for a day only."""
        number = self.cleaned_data.get(name)
        found = Picture.objects.filter(pk=number, use=use).first() if number else None
        if found:
            self.pictures[name] = found
        elif number:
            self.add_error(name, _("Upload this picture again: it wasn’t saved in time."))

    def values(self) -> dict[str, Any]:
        """Return a version's values; wrong fields are left out."""
        cleaned = self.cleaned_data
        plain = [
            name
            for name in type(self).base_fields
            if name not in {"based_on", *PICTURES} and name in cleaned
        ]
        return {
            **{name: cleaned[name] for name in plain},
            "logo": self.pictures.get("logo"),
            "cover": self.pictures.get("cover"),
            "benefits": list(self._benefits(cleaned)),
            "socials": list(self._socials(cleaned)),
        }

    @staticmethod
    def _benefits(cleaned: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        for number in range(1, MOST_BENEFITS + 1):
            if text := cleaned.get(f"benefit_{number}_text"):
                yield {
                    "icon": cleaned.get(f"benefit_{number}_icon") or "check",
                    "text": text,
                    "url": cleaned.get(f"benefit_{number}_url") or "",
                }

    @staticmethod
    def _socials(cleaned: Mapping[str, Any]) -> Iterator[dict[str, str]]:
        for number in range(1, MOST_SOCIALS + 1):
            if url := cleaned.get(f"social_{number}_url"):
                yield {"name": cleaned.get(f"social_{number}_name") or network(url), "url": url}


def network(url: str) -> str:
    """Return the name of the network that an address leads to, or else its host."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    for end, name in NETWORKS.items():
        if host == end or host.endswith(f".{end}"):
            return name
    return host[:40]


def typed(row: BrandVersion | None) -> dict[str, Any]:
    """Return a version as what's typed into the form."""
    if row is None:
        return {"based_on": 0}
    plain = (
        *("name", "tagline", "color", "cover_alt", "public_site_url", "postal_address"),
        *("vat_id", "support_email", "support_phone", "support_hours"),
    )
    values: dict[str, Any] = {name: getattr(row, name) for name in plain}
    values |= {"based_on": row.version, "logo": row.logo_id, "cover": row.cover_id}
    for kind, entries in (("benefit", row.benefits), ("social", row.socials)):
        for number, entry in enumerate(entries, start=1):
            values |= {f"{kind}_{number}_{part}": text for part, text in entry.items()}
    return values


def moved(data: QueryDict, step: str) -> QueryDict:
    """Return what was typed after a button was pressed: a row is up, or a picture gone.

    Steps: `up-benefit-2`, `remove-logo`.
    """
    changed = data.copy()
    verb, _dash, what = step.partition("-")
    kind, _dash, number = what.partition("-")
    if verb == "remove" and what in PICTURES:
        changed[what] = ""
    if verb == "up" and kind in {"benefit", "social"} and number.isdecimal() and int(number) > 1:
        _swap(changed, kind, int(number))
    return changed


def _swap(data: QueryDict, kind: str, number: int) -> None:
    for part in ("icon", "text", "url", "name"):
        one, other = f"{kind}_{number - 1}_{part}", f"{kind}_{number}_{part}"
        data[one], data[other] = data.get(other, ""), data.get(one, "")

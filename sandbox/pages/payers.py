"""What Checkout asks the payer besides the card: an address, and a business's tax ID.

Stripe documentation, "Collect customer addresses" and "Collect customer tax IDs": tax alone needs
the country and, in the United States and Canada, the postal code; a required billing address is
asked for in full. A tax ID requires the business's name as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.stripe import checkout_taxes
from sandbox.stripe.checkout_taxes import AddressWanted, Typed
from sandbox.stripe.events import private
from sandbox.world import Json, World

PARTS = ("country", "line1", "line2", "city", "state", "postal_code")
_NEEDED = ("country", "line1", "city", "postal_code")
_WITH_CODE = ("US", "CA")
_BY_CODE = (
    "AE United Arab Emirates, AR Argentina, AT Austria, AU Australia, BE Belgium, BG Bulgaria, "
    "BR Brazil, CA Canada, CH Switzerland, CL Chile, CN China, CO Colombia, CY Cyprus, "
    "CZ Czech Republic, DE Germany, DK Denmark, EE Estonia, ES Spain, FI Finland, FR France, "
    "GB United Kingdom, GR Greece, HK Hong Kong, HR Croatia, HU Hungary, IE Ireland, IL Israel, "
    "IN India, IT Italy, JP Japan, KR South Korea, LT Lithuania, LU Luxembourg, LV Latvia, "
    "MT Malta, MX Mexico, NL Netherlands, NO Norway, NZ New Zealand, PL Poland, PT Portugal, "
    "RO Romania, SE Sweden, SG Singapore, SI Slovenia, SK Slovakia, TR Turkey, UA Ukraine, "
    "US United States, ZA South Africa"
)
COUNTRIES = sorted(
    (tuple(entry.split(" ", 1)) for entry in _BY_CODE.split(", ")), key=lambda one: one[1]
)
TAX_IDS = {
    "us_ein": "US EIN",
    "eu_vat": "EU VAT number",
    "gb_vat": "GB VAT number",
    "au_abn": "AU ABN",
    "br_cnpj": "BR CNPJ",
    "ca_bn": "CA BN",
    "ca_gst_hst": "CA GST/HST number",
    "ch_vat": "CH VAT number",
    "in_gst": "IN GSTIN",
    "mx_rfc": "MX RFC",
    "no_vat": "NO VAT number",
    "nz_gst": "NZ GST number",
    "za_vat": "ZA VAT number",
}
FIRST = "US"
"""The country that is chosen before anybody chooses."""


@dataclass(frozen=True)
class Payer:
    """What's asked for, and what was entered so far."""

    wants: AddressWanted
    address: Mapping[str, str]
    takes_tax_id: bool
    needs_tax_id: bool
    business_name: str
    tax_type: str
    tax_value: str

    @property
    def is_asked(self) -> bool:
        return bool(self.wants or self.takes_tax_id)

    @property
    def is_business(self) -> bool:
        return bool(self.business_name or self.tax_value or self.needs_tax_id)

    @property
    def typed(self) -> Typed:
        address = {name: self.address.get(name) or None for name in PARTS}
        tax_id = {"type": self.tax_type, "value": self.tax_value} if self.tax_value else None
        return Typed(address if self.wants else None, self.business_name, tax_id)


def of(world: World, session: Json, form: Mapping[str, str]) -> Payer:
    """What a session asks for; what was just sent comes before what was saved."""
    kept = private(session)
    tax_id = kept.get("tax_id") or {}
    collects = session["tax_id_collection"]
    return Payer(
        wants=checkout_taxes.address_wanted(session),
        address=_address(world, session, form),
        takes_tax_id=bool(collects["enabled"]),
        needs_tax_id=bool(collects["enabled"]) and collects["required"] == "if_supported",
        business_name=form.get("business_name", kept.get("business_name") or "").strip(),
        tax_type=form.get("tax_type", tax_id.get("type") or ""),
        tax_value=form.get("tax_value", tax_id.get("value") or "").strip(),
    )


def _address(world: World, session: Json, form: Mapping[str, str]) -> Mapping[str, str]:
    customer = world.objects.get(session["customer"]) if session["customer"] else None
    known = private(session).get("address") or (customer or {}).get("address") or {}
    if "country" in form:
        sent = {name: form[name].strip() for name in PARTS if name in form}
        # What isn't asked for stays, unless it's about another place.
        is_same = all((known.get(name) or "") == value for name, value in sent.items())
        return {name: (known.get(name) or "") if is_same else "" for name in PARTS} | sent
    return {name: known.get(name) or "" for name in PARTS} | (
        {} if known.get("country") else {"country": FIRST}
    )


def problem(payer: Payer) -> str:
    """What the page complains about before it continues; empty if nothing."""
    if payer.wants == "full" and not all(payer.address.get(name) for name in _NEEDED):
        return "Please enter your billing address."
    if payer.wants and payer.address.get("country") in _WITH_CODE and not _code(payer):
        return "Your ZIP or postal code is incomplete."
    if payer.tax_value and payer.tax_type not in TAX_IDS:
        return "Choose what kind of tax ID it is."
    if payer.tax_value and not payer.business_name:
        return "Please enter your business name."
    if payer.needs_tax_id and not (payer.tax_value and payer.business_name):
        return "Please enter your business name and tax ID."
    return ""


def _code(payer: Payer) -> str:
    return payer.address.get("postal_code", "")

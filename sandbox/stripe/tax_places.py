"""Where a customer is, and the sandbox's tax rate there.

Stripe Tax knows every district; the sandbox knows countries, American states and Canadian
provinces, each with one rate. Stripe documentation, "Collect customer addresses": an American
address needs its ZIP code, a Canadian one its postal code or province, others their country.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.world import Json

EU = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)


def _table(text: str) -> dict[str, float]:
    """Read "AT 20, BE 21"."""
    pairs = (entry.split() for entry in text.split(","))
    return {name: float(percentage) for name, percentage in pairs}


_VAT = _table(
    "AT 20, BE 21, BG 20, CH 8.1, CY 19, CZ 21, DE 19, DK 25, EE 24, ES 21, FI 25.5, FR 20, GB 20, "
    "GR 24, HR 25, HU 27, IE 23, IT 22, LT 21, LU 17, LV 21, MT 18, MX 16, NL 21, NO 25, PL 23, "
    "PT 23, RO 21, SE 25, SI 22, SK 23"
)
_GST = _table("AU 10, IN 18, JP 10, NZ 15, SG 9")
_SALES = _table(
    "AL 4, AR 6.5, AZ 5.6, CA 7.25, CO 2.9, CT 6.35, DC 6, FL 6, GA 4, HI 4, IA 6, ID 6, IL 6.25, "
    "IN 7, KS 6.5, KY 6, LA 5, MA 6.25, MD 6, ME 5.5, MI 6, MN 6.875, MO 4.225, MS 7, NC 4.75, "
    "ND 5, NE 5.5, NJ 6.625, NM 4.875, NV 6.85, NY 4, OH 5.75, OK 4.5, PA 6, RI 7, SC 6, SD 4.2, "
    "TN 7, TX 6.25, UT 4.85, VA 5.3, VT 6, WA 6.5, WI 5, WV 6, WY 4"
)
_NO_SALES_TAX = frozenset({"AK", "DE", "MT", "NH", "OR"})
_PROVINCES = _table(
    "AB 5, BC 12, MB 12, NB 15, NL 15, NS 14, NT 5, NU 5, ON 13, PE 15, QC 14.975, SK 11, YT 5"
)
# By the first letter of a postal code.
_LETTERS = dict(
    pair.split(":")
    for pair in (
        "A:NL B:NS C:PE E:NB G:QC H:QC J:QC K:ON L:ON M:ON N:ON P:ON R:MB S:SK T:AB V:BC X:NT Y:YT"
    ).split()
)
# The highest ZIP prefix (first three digits) of each state's ranges, in order.
_ZIPS = (
    "005NY 009PR 027MA 029RI 038NH 049ME 054VT 055MA 059VT 069CT 089NJ 149NY 196PA 199DE 205DC "
    "219MD 246VA 268WV 289NC 299SC 319GA 349FL 369AL 385TN 397MS 399GA 427KY 459OH 479IN 499MI "
    "528IA 549WI 567MN 577SD 588ND 599MT 629IL 658MO 679KS 693NE 714LA 729AR 749OK 799TX 816CO "
    "831WY 838ID 847UT 865AZ 884NM 885TX 898NV 961CA 966AP 968HI 969GU 979OR 994WA 999AK"
)
_LAST = [(int(part[:3]), part[3:]) for part in _ZIPS.split()]
_STATE_NAMES = {"CA": "California", "NY": "New York", "TX": "Texas", "WA": "Washington"}


@dataclass(frozen=True)
class Place:
    """Where tax is owed; `source` is Stripe's term for how that's known."""

    country: str
    state: str | None
    source: str


@dataclass(frozen=True)
class Kind:
    """A place's tax: its name, Stripe's type and level, and the percentage."""

    name: str
    type: str
    level: str
    percentage: float
    jurisdiction: str


def place_of(customer: Json, method: Json | None) -> Place | None:
    """The customer's first address if it's sufficient, or else the payment method's."""
    for address, source in (
        ((customer["shipping"] or {}).get("address"), "shipping_destination"),
        (customer["address"], "billing_address"),
    ):
        if address and any(address.values()):
            return read(address, source)
    address = method["billing_details"]["address"] if method else None
    return read(address, "payment_method") if address else None


def read(address: Json, source: str = "billing_address") -> Place | None:
    """The place of an address, or None if it's not sufficient."""
    country, code = address.get("country"), (address.get("postal_code") or "").strip().upper()
    if not country or not re.fullmatch("[A-Z]{2}", country):
        return None
    if country == "US":
        state = _state(code)
        return Place(country, state, source) if state else None
    if country == "CA":
        province = _province(address.get("state"), code)
        return Place(country, province, source) if province else None
    return Place(country, None, source)


def _state(code: str) -> str | None:
    if not re.fullmatch(r"\d{5}(-?\d{4})?", code) or int(code[:3]) < 5:
        return None
    return next((state for last, state in _LAST if int(code[:3]) <= last), None)


def _province(state: str | None, code: str) -> str | None:
    if re.fullmatch(r"[A-Z]\d[A-Z] ?\d[A-Z]\d", code):
        return _LETTERS.get(code[0])
    return state if state in _PROVINCES else None


def kind_of(place: Place) -> Kind:
    """The place's tax; none if the business isn't registered there, or no tax is known."""
    country, state = place.country, place.state or ""
    if country == "US":
        percentage = _SALES.get(state, 0)
        return Kind("Sales Tax", "sales_tax", "state", percentage, _STATE_NAMES.get(state, state))
    if country == "CA":
        kind = "hst" if state in ("NB", "NL", "NS", "ON", "PE") else "gst"
        return Kind(kind.upper(), kind, "state", _PROVINCES[state], state)
    if country in _GST:
        kind = "jct" if country == "JP" else "gst"
        return Kind(kind.upper(), kind, "country", _GST[country], country)
    return Kind("VAT", "vat", "country", _VAT.get(country, 0), country)


def reason(place: Place, *, has_business_id: bool) -> str:
    """Why tax applies there, or not."""
    if place.country == "US" and place.state in _NO_SALES_TAX:
        return "not_supported"
    if not kind_of(place).percentage:
        return "not_collecting"
    # An American business sells to foreign businesses without VAT: they owe it themselves.
    if has_business_id and place.country != "US":
        return "reverse_charge"
    return "standard_rated"

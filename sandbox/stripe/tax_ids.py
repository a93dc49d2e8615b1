"""Customers' tax IDs, and the account's own."""

from __future__ import annotations

import re

from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import emit
from sandbox.stripe.tax_places import EU
from sandbox.world import Json, World

MOST = 5
# What Stripe checks for the better-known types (Stripe documentation, "Customer tax IDs").
_SHAPES = {
    "au_abn": r"\d{11}",
    "br_cnpj": r"\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}",
    "ca_bn": r"\d{9}",
    "ca_gst_hst": r"\d{9}RT\d{4}",
    "ch_vat": r"CHE-?\d{3}\.?\d{3}\.?\d{3} ?(MWST|TVA|IVA)",
    "eu_vat": rf"({'|'.join(sorted((EU - {'GR'}) | {'EL', 'XI'}))})[A-Z0-9+*]{{8,12}}",
    "gb_vat": r"(GB)?(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
    "in_gst": r"\d{2}[A-Z]{5}\d{4}[A-Z]\d[A-Z]\w",
    "mx_rfc": r"[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{3}",
    "no_vat": r"\d{9}MVA",
    "nz_gst": r"\d{8,9}",
    "us_ein": r"\d{2}-\d{7}",
    "za_vat": r"\d{10}",
}
_VERIFIED = ("au_abn", "eu_vat", "gb_vat")
_BUSINESS = {"AU": "au_abn", "CH": "ch_vat", "GB": "gb_vat", "NO": "no_vat", "NZ": "nz_gst"}


def create(world: World, params: Json, customer: Json | None) -> Json:
    """Create a tax ID for a customer, or for the account."""
    kind, value = params["type"], params["value"].strip()
    check(kind, value)
    if customer and len(of(world, customer)) >= MOST:
        raise invalid(f"A customer may have at most {MOST} tax IDs.", param="type")
    customer_id = customer["id"] if customer else None
    made = world.objects.put(
        {
            "id": world.new_id("txi_1"),
            "object": "tax_id",
            "country": _country(kind, value),
            "created": world.now(),
            "customer": customer_id,
            "customer_account": None,
            "livemode": False,
            "owner": {
                **({"customer": customer_id} if customer else {}),
                "customer_account": None,
                "type": "customer" if customer else "self",
            },
            "type": kind,
            "value": value,
            "verification": _verification(kind, value) if customer else None,
        }
    )
    if customer:
        emit(world, "customer.tax_id.created", made)
    return made


def check(kind: str, value: str) -> None:
    """Refuse a value that its type doesn't allow."""
    if kind in _SHAPES and not re.fullmatch(_SHAPES[kind], value):
        raise invalid(f"Invalid value for {kind}.", param="value", code="tax_id_invalid")


def _country(kind: str, value: str) -> str | None:
    if kind == "eu_vat":
        prefix = value[:2]
        return {"EL": "GR", "XI": "GB"}.get(prefix, prefix)
    return kind[:2].upper()


def _verification(kind: str, value: str) -> Json:
    """As in test mode: the number's ending decides what the registry finds."""
    ends = {"000000000": "verified", "111111111": "unverified"}
    verified = next((status for end, status in ends.items() if value.endswith(end)), "pending")
    status = verified if kind in _VERIFIED else "unavailable"
    name = "Verified Business" if status == "verified" else None
    return {"status": status, "verified_address": None, "verified_name": name}


def of(world: World, customer: Json) -> list[Json]:
    """A customer's tax IDs, newest first."""
    return world.objects.list("tax_id", customer=customer["id"])


def of_business(world: World, customer: Json, country: str) -> list[Json]:
    """The IDs that make the customer a business for a country's VAT."""
    return [one for one in of(world, customer) if is_for_business(one["type"], country)]


def is_for_business(kind: str, country: str) -> bool:
    return kind == ("eu_vat" if country in EU else _BUSINESS.get(country))


def of_invoice(world: World, customer: Json) -> list[Json]:
    """Tax IDs as an invoice shows them."""
    return [{"type": one["type"], "value": one["value"]} for one in reversed(of(world, customer))]


def delete(world: World, tax_id: Json) -> Json:
    world.objects.remove(tax_id["id"])
    if tax_id["customer"]:
        emit(world, "customer.tax_id.deleted", tax_id)
    return {"id": tax_id["id"], "object": "tax_id", "deleted": True}


def find(world: World, tax_id: str, *, customer_id: str | None = None) -> Json:
    tax = world.objects.get(tax_id)
    is_other = tax is not None and customer_id is not None and tax["customer"] != customer_id
    if tax is None or tax["object"] != "tax_id" or is_other:
        raise missing("tax_id", tax_id)
    return tax

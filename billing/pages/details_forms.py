"""The forms of the billing details: who invoices name, and tax IDs."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from billing.core import limits
from billing.facts import tax_id_types
from billing.models import Customer
from billing.stripe.gateway import BillingDetails
from common import countries
from common.fields import WordsField

LINE, PLACE, CODE, TAX_ID = 200, 100, 20, 50
ZIP = re.compile(r"\d{5}(-\d{4})?")
# Written with spaces by law: CHE-123.456.789 MWST.
SPACED = frozenset({"ch_vat"})


def _text(label: Any, autocomplete: str, length: int, **more: Any) -> WordsField:
    widget = forms.TextInput(attrs={"autocomplete": autocomplete})
    return WordsField(label=label, max_length=length, widget=widget, **more)


class DetailsForm(forms.Form):
    """Who invoices name, and where they are. The address is all or nothing."""

    individual_name = _text(
        _("Name"),
        "name",
        limits.PARTY_NAME,
        error_messages={"required": _("Enter the name for your invoices.")},
    )
    business_name = _text(
        _("Company"),
        "organization",
        limits.PARTY_NAME,
        required=False,
        help_text=_("If you fill this in, invoices are made out to the company."),
    )
    country = forms.ChoiceField(
        label=_("Country"),
        required=False,
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
    line1 = _text(_("Address"), "address-line1", LINE, required=False)
    line2 = _text(_("Apartment, suite, or floor"), "address-line2", LINE, required=False)
    city = _text(_("City"), "address-level2", PLACE, required=False)
    state = _text(_("State or region"), "address-level1", PLACE, required=False)
    postal_code = _text(_("ZIP or postal code"), "postal-code", CODE, required=False)

    def __init__(
        self, user: User, customer: Customer | None, data: QueryDict | None = None
    ) -> None:
        super().__init__(data, initial=_initial(user, customer))
        address = customer.address if customer else {}
        listed = [("", _("No address")), *countries.choices()]
        country = address.get("country", "")
        if country and country not in dict(listed):
            # Typed as it pleased somebody in Stripe's dashboard.
            listed.append((country, country))
        self.fields["country"].choices = listed  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse half an address, and an American one without a ZIP code."""
        given = self.cleaned_data
        country = given.get("country", "")
        if not any(given.get(name) for name in countries.PARTS):
            return given
        if not country and "country" not in self.errors:
            self.add_error("country", _("Choose a country, or clear the address."))
        if not given.get("line1") and "line1" not in self.errors:
            self.add_error("line1", _("Enter the street and number, or a PO box."))
        code = given.get("postal_code", "")
        if country == "US" and not ZIP.fullmatch(code) and "postal_code" not in self.errors:
            self.add_error("postal_code", _("Enter a ZIP code, for example 10004."))
        return given

    def details(self) -> BillingDetails:
        """Return what was entered."""
        given = self.cleaned_data
        return BillingDetails(
            individual_name=given["individual_name"],
            business_name=given["business_name"],
            address={name: given[name] for name in countries.PARTS if given[name]},
        )


def _initial(user: User, customer: Customer | None) -> dict[str, str]:
    """Return what Stripe has; a name that it doesn't have apart is the person's or business's."""
    if customer is None:
        return {"individual_name": user.get_full_name()}
    own = ("", user.get_full_name(), customer.told_name, customer.individual_name)
    is_business = customer.tax_ids and customer.name not in own
    business = customer.business_name or (customer.name if is_business else "")
    plain = "" if business else customer.name
    person = customer.individual_name or plain or user.get_full_name()
    return {"individual_name": person, "business_name": business, **customer.address}


class TaxIdForm(forms.Form):
    """A tax ID to add. `key` makes a form that's sent twice count once."""

    kind = forms.ChoiceField(label=_("Kind of tax ID"))
    value = WordsField(
        label=_("Number"),
        max_length=TAX_ID,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
        error_messages={"required": _("Enter the number.")},
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, customer: Customer | None, data: QueryDict | None = None) -> None:
        super().__init__(data, initial={"key": uuid.uuid4()})
        address = customer.address if customer else {}
        self.fields["kind"].choices = tax_id_types.choices(address.get("country", ""))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Write it the way registries do: capitals, and no spaces where none belong."""
        given = self.cleaned_data
        value = str(given.get("value", "")).upper()
        if given.get("kind") not in SPACED:
            value = "".join(value.split())
        return given | {"value": value}

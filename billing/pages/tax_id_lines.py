"""The tax IDs as the member's billing details list them (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.core.tones import Tone
from billing.facts import tax_id_types
from billing.stripe.tax_snapshots import PENDING, UNVERIFIED, VERIFIED

# What Stripe found in the registry: the badge, and what to do about it.
Found = tuple[Tone, "str | Promise", "str | Promise"]
FOUND: Mapping[str, Found] = {
    PENDING: (
        Tone.WAIT,
        _("Being verified"),
        _(
            "The tax registry is checking it, which can take a few days. It’s on your next "
            "invoice either way."
        ),
    ),
    VERIFIED: (Tone.GOOD, _("Verified"), ""),
    UNVERIFIED: (
        Tone.BAD,
        _("Couldn’t be verified"),
        _(
            "The tax registry doesn’t know this number. If it’s wrong, remove it and add the right "
            "one. If it’s right, ask your tax office whether it’s active."
        ),
    ),
}
UNKNOWN: Found = (Tone.INFO, "", "")


@dataclass(frozen=True)
class TaxIdLine:
    """A tax ID on the page. Without a label, nobody looks up numbers of its kind."""

    type: str
    value: str
    name: str
    tone: Tone
    label: str
    note: str

    @property
    def sent(self) -> dict[str, str]:
        """Return the fields that say which one to remove."""
        return {"kind": self.type, "value": self.value}


def lines(tax_ids: Iterable[Mapping[str, str]]) -> list[TaxIdLine]:
    """Return a customer's tax IDs in Stripe's order."""
    return [_line(one) for one in tax_ids]


def _line(one: Mapping[str, str]) -> TaxIdLine:
    tone, label, note = FOUND.get(one.get("status", ""), UNKNOWN)
    kind = one["type"]
    return TaxIdLine(kind, one["value"], tax_id_types.name(kind), tone, str(label), str(note))

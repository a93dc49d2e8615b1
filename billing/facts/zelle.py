"""What the owner takes by Zelle, and how references look."""

from __future__ import annotations

from django.conf import settings

from billing.bank import references
from billing.core.bank_statuses import ZellePurpose
from billing.models import ExpectedTransfer, ZelleTerms
from common.money import Money


def terms() -> ZelleTerms:
    """Return the owner's terms; before any were saved, nothing is taken."""
    return ZelleTerms.objects.first() or ZelleTerms(pk=1)


def takes(purpose: ZellePurpose, amount: int | None = None, currency: str = "usd") -> bool:
    """Whether members may pay this by Zelle; any amount (cents) if it's None.

    Zelle moves only US dollars.
    """
    known = terms()
    if currency.lower() != "usd" or not known.takes(purpose):
        return False
    if purpose == ZellePurpose.MEMBERSHIP and not price_ids():
        return False
    return amount is None or known.minimum <= amount <= known.maximum


def bounds() -> str:
    """Return the amounts that are taken by Zelle, in a sentence."""
    known = terms()
    least, most = Money(known.minimum, "usd"), Money(known.maximum, "usd")
    return f"By Zelle you can pay from {least} to {most}."


def price_ids() -> list[str]:
    """Return the Stripe IDs of the membership's prices for those who pay by Zelle, in order."""
    wanted = [settings.ZELLE_PRICE_ID, settings.ZELLE_YEARLY_PRICE_ID]
    return list(dict.fromkeys(price_id for price_id in wanted if price_id))


def shown(expected: ExpectedTransfer) -> str:
    """Return a payment's reference as people see it: `HY-7K3P-4`."""
    return references.shown(terms().prefix.upper(), expected.reference)

"""What rows of earlier versions lack: messages that were written before a fact was renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Facts that receipts, and requests to pay an invoice, got later.
RECEIPT: Mapping[str, Any] = {
    "method_picture": "",
    "on_statement": "",
    "full_price": "",
    "full_price_on": "",
}
PARTS = ("lines", "taxes", "taxes_included", "tax_note", "discount", "discount_label", "credits")
TO_PAY: Mapping[str, Any] = dict.fromkeys((*PARTS, "paid"), "")


def with_later_names(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's facts with those that had another name when it was written.

    A price and how often it's charged were two facts, which other languages can't put together.
    """
    facts = dict(context)
    if "rate" not in facts and facts.get("price") and facts.get("interval"):
        facts["rate"] = f"{facts['price']} every {facts['interval']}"
        if "rhythm" in facts:
            facts["headline"] = f"You’ve switched to {facts['rhythm']} billing: {facts['rate']}"
    if "is_direct" in facts:
        facts = {**RECEIPT, **facts}
    if any(name in facts for name in ("trial_ends_on", "is_free_time", "until")):
        facts = {"next_charge": "", **facts}
    if "goes_on" in facts and "ends_on" in facts:
        facts = {"renews_on": "", "next_charge": "", **facts}
    if "by_invoice" in facts:
        facts = {"credit": "", "credit_used": "", "new_plan": "", "changes_before": "", **facts}
    if "renews_on" in facts and "discount" in facts:
        facts = {"endings": "", **facts}
    if "discount_ends" in facts:
        facts = {"ending": "", "is_planned": False, "rate": "", **facts}
    if "pdf_url" in facts:
        facts = {**TO_PAY, **facts}
    return facts

"""The worst that others may write into a message."""

from __future__ import annotations

from typing import Any

HOSTILE = """<script>alert("x")</script> & 'quotes' {{ braces }} """ + "long" * 60
# What a member, a browser or somebody in Stripe's dashboard may choose.
CHOSEN = {"name", "description", "plan_name", "reason", "method", "device", "ip", "sentence"}
CHOSEN |= {"invoice_number", "code", "headline", "member", "words", "sender", "first_words"}


def hostile(context: dict[str, Any]) -> dict[str, Any]:
    """Return the context with what somebody else may choose replaced by the worst they can."""
    worst = {key: HOSTILE if key in CHOSEN else value for key, value in context.items()}
    if "lines" in worst:
        worst["lines"] = [{"description": HOSTILE, "amount": "$30.00"}]
    return worst

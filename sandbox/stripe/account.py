"""The account itself, as its own key reads it."""

from __future__ import annotations

import hashlib

from sandbox.world import Json, World

_BORN = 1_577_836_800


def current(world: World) -> Json:
    """The account of the key: ready for everything, and nothing is due."""
    number = hashlib.sha256(world.account.encode()).hexdigest()[:16]
    nothing: Json = {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }
    return {
        "id": f"acct_1{number}",
        "object": "account",
        "business_profile": {"name": "Sandbox", "support_email": None, "url": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "created": _BORN,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@example.com",
        "external_accounts": {
            "data": [],
            "has_more": False,
            "object": "list",
            "url": f"/v1/accounts/acct_1{number}/external_accounts",
        },
        "future_requirements": dict(nothing),
        "metadata": {},
        "payouts_enabled": True,
        "requirements": nothing,
        "settings": {
            "branding": {"icon": "file_1Sandbox", "logo": None, "primary_color": "#0f766e"},
            "dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"},
            "payouts": {"debit_negative_balances": True, "statement_descriptor": None},
        },
        "tos_acceptance": {"date": None, "ip": None, "user_agent": None},
        "type": "standard",
    }

"""What early fraud warnings say, in words for staff (pure). The member never reads any of it.

Stripe documentation, "Early fraud warnings": many become disputes, which a refund in full avoids;
Stripe doesn't make it by itself.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy

# Stripe's API reference, "The early fraud warning object": fraud_type.
REPORTS = {
    "card_never_received": gettext_lazy("The card was stolen on its way to its owner."),
    "fraudulent_card_application": gettext_lazy("Someone got the card in another person’s name."),
    "made_with_counterfeit_card": gettext_lazy("It was paid with a copy of the card."),
    "made_with_lost_card": gettext_lazy("It was paid with a lost card."),
    "made_with_stolen_card": gettext_lazy("It was paid with a stolen card."),
    "unauthorized_use_of_card": gettext_lazy("Someone paid with the card without permission."),
    "misc": gettext_lazy("It’s fraud of another kind; the bank doesn’t say which."),
}
MEANING = gettext_lazy(
    "The card’s bank believes that its owner didn’t make this payment. It hasn’t taken anything "
    "back, and there’s no dispute yet."
)
ADVICE = gettext_lazy(
    "A full refund now normally avoids the dispute and its fee. Nothing happens by itself: "
    "Stripe doesn’t stop or refund the payment, and neither do we. If the card pays for a "
    "membership, end that, too: its renewals can be disputed as well."
)
SETTLED = gettext_lazy(
    "Nothing: the payment was refunded or disputed, or was left as it is. If the card pays for a "
    "membership that goes on, the next renewal can be reported, too."
)
CONFIDENTIAL = gettext_lazy(
    "We don’t tell the member about the warning. They may be the fraudster, or the victim."
)

# Stripe documentation, "Block lists": what a refund as `fraudulent` does, so ours aren't.
NOT_BLOCKED = gettext_lazy(
    "Only your team sees it. Even “Reported as fraud” blocks nobody: to block a card or an email "
    "address, add it to Radar’s lists in Stripe’s dashboard."
)


def report(fraud_type: str) -> str:
    """Return what a bank says happened; an unknown type says no more than that it's fraud."""
    return str(REPORTS.get(fraud_type, REPORTS["misc"]))

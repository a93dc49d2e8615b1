"""The saved payment methods as the member's page lists them (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from billing.core import texts
from billing.membership import payment_methods
from billing.models import PaymentMethod, Subscription
from common.components import CARD_PICTURES

WALLETS = {
    "amex_express_checkout": "Amex Express Checkout",
    "apple_pay": "Apple Pay",
    "google_pay": "Google Pay",
    "link": "Link",
    "masterpass": "Masterpass",
    "samsung_pay": "Samsung Pay",
    "visa_checkout": "Visa Checkout",
}


@dataclass(frozen=True)
class CardLine:
    """A payment method on the page. The same card, saved twice, is one line.

    `pays` says what it pays for; `why_kept` why it can't be removed now, and what to do.
    """

    pk: int
    name: str
    picture: str  # a wallet's, or the brand's
    wallet: str
    expires: str
    has_expired: bool
    is_default: bool
    can_be_default: bool
    pays: str
    why_kept: str


def lines(
    saved: Sequence[PaymentMethod],
    rows: Sequence[Subscription],
    needed: Mapping[str, str],
    payer_pk: int | None,
    today: date,
) -> list[CardLine]:
    """Return the member's payment methods, the default first.

    `rows` are the subscriptions that are charged, `needed` why a method is, and `payer_pk` the
    customer that pays next.
    """
    same: dict[tuple[str, ...], list[PaymentMethod]] = {}
    for one in saved:
        same.setdefault(one.same_as, []).append(one)
    charged = {row.customer_id for row in rows} | {payer_pk}
    is_only = len(same) == 1
    made = [_line(group, rows, needed, charged, today, is_only) for group in same.values()]
    return sorted(made, key=lambda line: (not line.is_default, not line.pays))


def _line(
    group: Sequence[PaymentMethod],
    rows: Sequence[Subscription],
    needed: Mapping[str, str],
    charged: set[int | None],
    today: date,
    is_only: bool,
) -> CardLine:
    """Return one line for copies of one card: the one that's used stands for all."""
    paying = {row.method_id: row for row in rows if row.method_id}

    def is_default(one: PaymentMethod) -> bool:
        # Without a default, what pays a subscription is the one that pays.
        default = one.customer.default_method_id
        return default == one.stripe_id or (not default and one.stripe_id in paying)

    shown = min(
        group,
        key=lambda one: (
            not is_default(one),
            one.stripe_id not in paying,
            one.customer_id not in charged,
        ),
    )
    mine = [paying[one.stripe_id] for one in group if one.stripe_id in paying]
    names = [_("your membership") if row.is_membership else row.name for row in mine]
    others = [row for row in rows if row.customer_id == shown.customer_id and row not in mine]
    is_charged = shown.customer_id in charged
    has_expired = shown.has_expired(today)
    return CardLine(
        pk=shown.pk,
        name=payment_methods.name(shown),
        picture=shown.wallet if shown.wallet in CARD_PICTURES else shown.card_brand or shown.kind,
        wallet=WALLETS.get(shown.wallet, shown.wallet),
        expires=texts.card_expiry(shown.card_expires),
        has_expired=has_expired,
        is_default=is_charged and is_default(shown),
        can_be_default=is_charged and not has_expired and (not is_default(shown) or bool(others)),
        pays=_("Pays for %(what)s") % {"what": texts.listed(names)} if names else "",
        why_kept=_why_kept(group, needed, is_paying=bool(names), is_only=is_only),
    )


def _why_kept(
    group: Sequence[PaymentMethod], needed: Mapping[str, str], *, is_paying: bool, is_only: bool
) -> str:
    why = next((needed[one.stripe_id] for one in group if one.stripe_id in needed), "")
    if why and is_paying and is_only:
        return _("To remove it, add another card and make that your default.")
    if why and is_paying:
        return _("To remove it, make another card your default first.")
    return why

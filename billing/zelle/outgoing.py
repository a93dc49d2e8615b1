"""Money that went out by Zelle: it proves the refunds that staff sent."""

from __future__ import annotations

from datetime import timedelta

from billing.bank import names
from billing.core.bank_statuses import Direction
from billing.core.statuses import ZELLE, RefundState
from billing.models import BankTransfer, KnownPayer, Refund
from billing.refunds import by_zelle

# Staff may enter the number some days after they sent the money, or before the bank books it.
AROUND = timedelta(days=7)


def look_at(transfer: BankTransfer) -> None:
    """Let a transfer that's on the account prove the refund that it is."""
    if transfer.is_proved and (refund := refund_of(transfer)):
        by_zelle.left_account(refund.pk)


def amounts() -> set[int]:
    """Return the amounts (cents) of refunds that wait for their line: a file may have thousands."""
    waiting = Refund.objects.filter(payment__card_brand=ZELLE, state=RefundState.PENDING)
    return set(waiting.values_list("amount", flat=True))


def refund_of(transfer: BankTransfer) -> Refund | None:
    """Return the refund that an outgoing transfer is.

    The bank's number decides. Where the file leaves it out, or has another one, it's the only
    refund of this amount that was sent these days to somebody of this name.
    """
    if transfer.direction != Direction.OUT:
        return None
    rows = Refund.objects.filter(payment__card_brand=ZELLE, amount=transfer.amount)
    numbers = {told.transaction for told in (transfer.line, transfer.mail) if told} - {""}
    for number in numbers:
        if known := rows.filter(reference__iexact=number).first():
            return known
    days = (transfer.on - AROUND, transfer.on + AROUND)
    sent = rows.filter(state=RefundState.PENDING, sent_at__date__range=days)
    alike = [row for row in sent.select_related("customer__user") if _is_to(transfer, row)]
    return alike[0] if len(alike) == 1 else None


def _is_to(transfer: BankTransfer, refund: Refund) -> bool:
    user = refund.customer.user
    known = KnownPayer.objects.filter(user=user).values_list("name", flat=True)
    own = [user.get_full_name(), *known]
    return any(names.likeness(transfer.name, one) >= names.ALIKE for one in own)

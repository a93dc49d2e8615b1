"""Money that went out by Zelle: it proves the refunds that staff sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from billing.bank import names
from billing.core.bank_statuses import Direction
from billing.core.statuses import ZELLE, RefundState
from billing.models import BankTransfer, KnownPayer, Refund
from billing.models.locks import lock_member
from billing.refunds import by_zelle
from billing.zelle.locks import bank_lock

# Staff may enter the number some days after they sent the money, or before the bank books it.
AROUND = timedelta(days=7)


def look_at_all(transfers: Sequence[BankTransfer]) -> None:
    """Let transfers prove the refunds that they are. Call it under the bank's lock.

    All members are locked before the first entry in the ledger: who holds a member's lock may wait
    for the ledger's.
    """
    found = [refund_of(one) for one in transfers if one.is_proved and not one.refund_id]
    for user_pk in sorted({refund.customer.user_id for refund in found if refund}):
        lock_member(user_pk)
    for transfer in transfers:
        look_at(transfer)


def look_at(transfer: BankTransfer) -> None:
    """Let a transfer that's on the account prove the refund that it is: one, and once."""
    if not transfer.is_proved or transfer.refund_id:
        return
    refund = refund_of(transfer)
    if refund and by_zelle.left_account(refund.pk):
        BankTransfer.objects.filter(pk=transfer.pk).update(refund=refund)


@transaction.atomic
def look_for(refund_pk: int) -> None:
    """Let a line that was there before somebody said that a refund is sent prove it."""
    bank_lock()
    refund = Refund.objects.get(pk=refund_pk)
    if refund.state != RefundState.PENDING or refund.sent_at is None:
        return
    number = Q(line__transaction__iexact=refund.reference)
    number |= Q(mail__transaction__iexact=refund.reference)
    day = refund.sent_at.date()
    rows = BankTransfer.objects.filter(direction=Direction.OUT, amount=refund.amount, refund=None)
    rows = rows.filter(number | Q(on__range=(day - AROUND, day + AROUND))).exclude(line=None)
    for row in rows.select_related("mail", "line").defer("mail__content").order_by("on", "pk"):
        found = refund_of(row)
        if found and found.pk == refund.pk:
            look_at(row)
            return


def amounts() -> set[int]:
    """Return the amounts (cents) of refunds whose line may come: a file may have thousands.

    One that was said not to have gone out may show up after all.
    """
    states = [RefundState.PENDING, RefundState.FAILED]
    waiting = Refund.objects.filter(payment__card_brand=ZELLE, state__in=states)
    return set(waiting.values_list("amount", flat=True))


def refund_of(transfer: BankTransfer) -> Refund | None:
    """Return the refund that an outgoing transfer is.

    The bank's number decides. Where the file leaves it out, or has another one, it's the only
    refund of this amount that was sent these days to somebody of this name.
    """
    if transfer.direction != Direction.OUT or transfer.refund:
        return transfer.refund
    rows = Refund.objects.filter(payment__card_brand=ZELLE, amount=transfer.amount, transfer=None)
    numbers = {told.transaction for told in (transfer.line, transfer.mail) if told} - {""}
    for number in numbers:
        if known := rows.filter(reference__iexact=number).order_by("pk").first():
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

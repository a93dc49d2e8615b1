"""A member's payments by Zelle in words: the page that shows how, and what other pages say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.core import texts
from billing.core.bank_statuses import ExpectedState, ZellePurpose
from billing.core.dates import long_date
from billing.core.tones import Alert, Tone
from billing.facts import pay_links, zelle
from billing.models import ExpectedTransfer, KnownPayer, ZelleTerms
from common.context import current_brand
from common.money import Money, typed_amount
from common.paths import numbered


class Stage(StrEnum):
    """Where a payment stands, for its member."""

    TO_SEND = "to_send"
    SENT = "sent"  # so they say
    ANNOUNCED = "announced"
    PART = "part"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELED = "canceled"


# Money is still to be sent, or under way.
OPEN = frozenset({Stage.TO_SEND, Stage.SENT, Stage.PART})
BADGES = {
    Stage.TO_SEND: (Tone.WAIT, gettext_lazy("Waiting for you")),
    Stage.SENT: (Tone.WAIT, gettext_lazy("Looking out for it")),
    Stage.ANNOUNCED: (Tone.WAIT, gettext_lazy("Received, being confirmed")),
    Stage.PART: (Tone.WAIT, gettext_lazy("Partly received")),
    Stage.PAID: (Tone.GOOD, gettext_lazy("Paid")),
    Stage.EXPIRED: (Tone.INFO, gettext_lazy("Expired")),
    Stage.CANCELED: (Tone.INFO, gettext_lazy("Canceled")),
}


@dataclass(frozen=True)
class Step:
    """A step of the tracker."""

    state: str
    title: str | Promise
    text: str | Promise = ""
    at: datetime | None = None
    who: str = ""


@dataclass(frozen=True)
class ZellePage:
    """A payment by Zelle: what to send, and where it stands.

    `mark` changes with everything that the page says. `is_taken`: the business still takes Zelle
    for it. `back`: a page's address and name.
    """

    pk: int
    stage: Stage
    description: str
    total: Money
    received: Money
    to_pay: Money
    plain_amount: str
    reference: str
    to_name: str
    to_address: str
    code_url: str
    is_taken: bool
    payer_name: str
    until: datetime | None
    invoice_url: str
    is_membership: bool
    card_url: str
    back: tuple[str, str]
    mark: str

    @property
    def tone(self) -> Tone:
        """The badge's tone."""
        return BADGES[self.stage][0]

    @property
    def label(self) -> str:
        """The badge's words."""
        return str(BADGES[self.stage][1])

    @property
    def is_open(self) -> bool:
        """Whether money is still to come, as far as the page shows how."""
        return self.stage in OPEN

    @property
    def changes(self) -> bool:
        """Whether it will say something else without the member's doing."""
        is_booking = self.stage == Stage.PAID and not self.invoice_url
        return self.is_open or self.stage == Stage.ANNOUNCED or is_booking

    @property
    def can_cancel(self) -> bool:
        """Whether nothing was sent yet."""
        return self.stage == Stage.TO_SEND

    @property
    def steps(self) -> list[Step]:
        """What happens, from sending to the receipt."""
        if self.stage == Stage.PART:
            received = _("We received %(amount)s") % {"amount": self.received}
            rest = _("You send the remaining %(amount)s") % {"amount": self.to_pay}
            return [Step("done", received), Step("now", rest), CHECKING_NEXT]
        sent = SENDING if self.stage == Stage.TO_SEND else Step("done", _("You sent it"))
        if self.stage == Stage.ANNOUNCED:
            return [sent, Step("done", _("It reached our bank")), CHECKING_NOW]
        if self.stage == Stage.SENT:
            return [sent, ARRIVING_NOW, CHECKING_NEXT]
        return [sent, ARRIVING_NEXT, CHECKING_NEXT]


SENDING = Step(
    "now", gettext_lazy("You send it"), gettext_lazy("In your bank’s app, as described above.")
)
REACHES = gettext_lazy("It reaches our bank")
ARRIVES = gettext_lazy(
    "Usually within minutes. Some banks take up to 3 business days, especially the first time."
)
ARRIVING_NOW = Step("now", REACHES, ARRIVES)
ARRIVING_NEXT = Step("next", REACHES, ARRIVES)
CONFIRMING = gettext_lazy("We confirm it")
CONFIRMS = gettext_lazy("You’ll see it here, and we’ll email you a receipt.")
CHECKING_NOW = Step("now", CONFIRMING, CONFIRMS)
CHECKING_NEXT = Step("next", CONFIRMING, CONFIRMS)


def zelle_page(row: ExpectedTransfer, known: ZelleTerms) -> ZellePage:
    """Return the page of a payment."""
    received = row.received()
    stage = stage_of(row, received)
    if _checked({row: stage}, known):
        stage = Stage.ANNOUNCED
    missing = Money(max(row.amount - received, 0), row.currency)
    to_pay = missing if stage == Stage.PART else row.money
    invoice = row.invoice
    code = reverse("billing:zelle-code") + f"?v={known.changed_at.timestamp():.0f}"
    return ZellePage(
        pk=row.pk,
        stage=stage,
        description=row.description,
        total=row.money,
        received=Money(received, row.currency),
        to_pay=to_pay,
        plain_amount=typed_amount(to_pay.amount, row.currency),
        reference=zelle.shown(row, known),
        to_name=known.name,
        to_address=known.address,
        code_url=code if known.code_type else "",
        is_taken=known.takes(ZellePurpose(row.purpose)) and bool(known.address),
        payer_name=row.payer_name,
        # An invoice is due before we stop waiting for its money.
        until=invoice.due_at if invoice else row.expires_at,
        invoice_url=numbered("billing:invoice", invoice.pk) if invoice else "",
        is_membership=row.purpose == ZellePurpose.MEMBERSHIP,
        card_url=_card_url(row) if stage in (Stage.TO_SEND, Stage.EXPIRED, Stage.CANCELED) else "",
        back=_back(row),
        mark=f"{stage}-{received}-{'booked' if row.booked_at else ''}",
    )


def stage_of(row: ExpectedTransfer, received: int) -> Stage:
    """Return where a payment stands, given the cents that count for it."""
    match row.state:
        case ExpectedState.CONFIRMED:
            return Stage.PAID
        case ExpectedState.EXPIRED:
            return Stage.EXPIRED
        case ExpectedState.CANCELED:
            return Stage.CANCELED
        case ExpectedState.ANNOUNCED:
            # Also if it's the rest: nobody is asked for money that's there already.
            return Stage.ANNOUNCED
        case _ if received:
            return Stage.PART
    return Stage.SENT if row.said_sent_at else Stage.TO_SEND


def _checked(stages: dict[ExpectedTransfer, Stage], known: ZelleTerms) -> set[ExpectedTransfer]:
    """Return those for which money is there that nobody has matched: it isn't asked for again."""
    rows = [row for row, stage in stages.items() if stage in OPEN]
    named = zelle.named_by_money(rows, known)
    return {row for row in rows if row.reference in named}


def name_of_payer(row: ExpectedTransfer) -> str:
    """Return whose account it probably comes from: as they said, as before, or the member."""
    if row.payer_name:
        return row.payer_name
    said = ExpectedTransfer.objects.for_user(row.user).exclude(payer_name="")
    before = said.values_list("payer_name", flat=True).first()
    known = KnownPayer.objects.filter(user=row.user).values_list("name", flat=True)
    return before or known.first() or row.user.get_full_name()


def alerts(rows: Iterable[ExpectedTransfer], known: ZelleTerms) -> list[Alert]:
    """Return what a member must do or know about payments that `zelle.worth_mentioning` found."""
    stages = {row: stage_of(row, int(getattr(row, "counted", 0))) for row in rows}
    stages |= dict.fromkeys(_checked(stages, known), Stage.ANNOUNCED)
    return [_alert(row, stage, known) for row, stage in stages.items()]


def has_money(row: ExpectedTransfer) -> bool:
    """Whether money has come for one that `zelle.worth_mentioning` found."""
    received = int(getattr(row, "counted", 0))
    return stage_of(row, received) in (Stage.ANNOUNCED, Stage.PART, Stage.PAID)


def of_invoices(rows: Iterable[ExpectedTransfer]) -> dict[int, ExpectedTransfer]:
    """Return payments by the invoice that they pay."""
    return {row.invoice_id: row for row in rows if row.invoice_id}


def of_requests(rows: Iterable[ExpectedTransfer]) -> dict[int, ExpectedTransfer]:
    """Return payments by the request that they pay."""
    return {row.request_id: row for row in rows if row.request_id}


def _alert(row: ExpectedTransfer, stage: Stage, known: ZelleTerms) -> Alert:
    received = int(getattr(row, "counted", 0))
    url = numbered("billing:zelle", row.pk)
    values = {"amount": row.money, "what": row.description}
    match stage:
        case Stage.PAID:
            text = _("It’s for %(what)s. Your invoice will be here in a few minutes.") % values
            if row.purpose == ZellePurpose.MEMBERSHIP:
                text = _("Your membership starts in a few minutes.")
            return Alert(Tone.GOOD, _("We received %(amount)s by Zelle") % values, text)
        case Stage.PART:
            values["missing"] = Money(row.amount - received, row.currency)
            values["received"] = Money(received, row.currency)
            title = _("%(missing)s is still missing from your Zelle payment") % values
            text = _("We’ve received %(received)s of %(amount)s for %(what)s.") % values
            return Alert(Tone.WAIT, title, text, _("Send %(missing)s") % values, url)
        case Stage.ANNOUNCED:
            title = _("Your Zelle payment of %(amount)s is being confirmed") % values
            text = _("It’s for %(what)s and has reached our bank. We’ll email you a receipt soon.")
            return Alert(Tone.WAIT, title, text % values)
        case Stage.SENT:
            title = _("We’re looking out for your Zelle payment of %(amount)s") % values
            text = _(
                "It’s for %(what)s. Most Zelle payments arrive within minutes, but some take 3"
                " business days."
            )
            return Alert(Tone.WAIT, title, text % values, _("See the payment"), url)
    title = _("Waiting for your Zelle payment of %(amount)s") % values
    return Alert(Tone.WAIT, title, _how_to_send(row, known), _("See how to pay"), url)


def _how_to_send(row: ExpectedTransfer, known: ZelleTerms) -> str:
    values = {"what": row.description, "memo": zelle.shown(row, known)}
    # An invoice's own page and alert say when it's due.
    if row.invoice_id or row.expires_at is None:
        return _("It’s for %(what)s. Send it with the memo %(memo)s.") % values
    values["day"] = long_date(row.expires_at)
    return _("It’s for %(what)s. Send it before %(day)s with the memo %(memo)s.") % values


def _card_url(row: ExpectedTransfer) -> str:
    """Return where the same can be paid by card."""
    if row.request:
        return pay_links.path_of(row.request)
    if row.invoice:
        return numbered("billing:invoice", row.invoice.pk)
    if row.purpose == ZellePurpose.MEMBERSHIP:
        return reverse("billing:membership")
    filled = {"amount": typed_amount(row.amount, row.currency)}
    if row.description != texts.payment_description("", current_brand().name):
        filled["note"] = row.description
    return f"{reverse('billing:pay-amount')}?{urlencode(filled)}"


def _back(row: ExpectedTransfer) -> tuple[str, str]:
    if row.purpose == ZellePurpose.MEMBERSHIP:
        return reverse("billing:membership"), _("Membership")
    return reverse("billing:payments"), _("Payments")

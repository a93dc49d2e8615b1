"""Alerts: what a member must do or know, the most urgent first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.core import tax_texts, texts
from billing.core.dates import long_date
from billing.core.statuses import (
    ENDED_SUBSCRIPTION,
    Collection,
    InvoiceStatus,
    SubscriptionStatus,
)
from billing.core.tones import Alert, Tone
from billing.facts import cards, collecting, descriptions, pay_links, tax_settings, zelle
from billing.membership import payment_methods
from billing.models import ExpectedTransfer, Invoice, Payment, PaymentRequest
from billing.pages import mail_alerts, zelle_pages
from billing.pages.member_facts import MemberFacts
from billing.pages.membership_status import Membership, MembershipState
from billing.pages.payment_lines import PAGE_SIZE
from billing.refunds import lines
from common.context import current_brand
from common.money import Money


def for_member(facts: MemberFacts, current: Membership) -> list[Alert]:
    """Return what the member must do or know, the most urgent first."""
    return [
        *_two_memberships(current),
        *mail_alerts.stopped(facts.suppression),
        *_membership_alert(facts, current),
        *sent_invoices(facts),
        *lines.news(facts.refunds).alerts,
        *_banks_at_work(facts.at_banks),
        *_by_zelle(facts),
        *_requests(facts),
    ]


def _by_zelle(facts: MemberFacts) -> list[Alert]:
    """Return payments by Zelle, except those that an invoice's alert mentions."""
    shown = {row.pk for row in _sent_invoices(facts)}
    rows = [one for one in facts.by_zelle if one.invoice_id not in shown]
    return zelle_pages.alerts(rows, facts.zelle_terms)


def _requests(facts: MemberFacts) -> list[Alert]:
    """Return what the member was asked to pay, and isn't paying by Zelle."""
    paid = zelle_pages.of_requests(facts.by_zelle)
    return [_request_alert(row) for row in facts.asked if row.pk not in paid]


def _two_memberships(current: Membership) -> list[Alert]:
    """Say that both are charged. Staff are told and end one."""
    if not current.has_two or current.price is None:
        return []
    others = [one.price for one in current.also_billed if one.is_membership]
    prices = texts.listed([current.rate, *others])
    return [
        Alert(
            Tone.WAIT,
            _("You have two memberships"),
            _(
                "You’re charged for both: %(prices)s. We’ve been notified and will fix this. "
                "Questions? Write to %(support)s."
            )
            % {"prices": prices, "support": current_brand().support_email},
        )
    ]


def _banks_at_work(rows: Sequence[Payment]) -> list[Alert]:
    """Return the single payments that a bank is processing."""
    return [
        Alert(
            Tone.WAIT,
            _("Your payment of %(amount)s for %(what)s is on its way")
            % {"amount": row.money, "what": descriptions.of_single(row)},
            str(texts.PROCESSING),
        )
        for row in rows
    ]


def _request_alert(request: PaymentRequest) -> Alert:
    values = {"amount": request.price, "description": request.description}
    sentences = []
    if request.expires_at:
        day = long_date(request.expires_at)
        sentences.append(_("You can pay until %(day)s.") % {"day": day})
    if tax_settings.of_single_payments() == tax_texts.ADDED:
        sentences.append(_("Tax is added at checkout."))
    return Alert(
        Tone.WAIT,
        _("Please pay %(amount)s for %(description)s") % values,
        " ".join(sentences),
        _("Pay %(amount)s") % values,
        pay_links.path_of(request),
    )


def _membership_alert(facts: MemberFacts, current: Membership) -> list[Alert]:
    unpaid = [one for one in facts.waiting if _is_charged(one)]
    if not current.is_member:
        unpaid = [one for one in unpaid if _counts_before_joining(one)]
    # The newest for each thing that's paid for.
    newest = {row.subscription_id: row for row in reversed(unpaid[:PAGE_SIZE])}
    alerts = [_unpaid_alert(row) for row in reversed(newest.values())]
    if all(row.subscription and not row.membership for row in newest.values()):
        alerts += _card_matters(facts, current)
    return alerts


def _is_charged(row: Invoice) -> bool:
    """Whether it's charged, or was going to be, and isn't left from an earlier membership."""
    is_charged = not row.is_sent and row.status != InvoiceStatus.DRAFT
    is_collected = row.amount_remaining > 0 and row.collection != Collection.NONE
    return is_charged and is_collected and not _is_of_ended(row)


def _counts_before_joining(row: Invoice) -> bool:
    of = row.subscription
    return of is not None and (of.status == SubscriptionStatus.INCOMPLETE or not of.is_membership)


def _is_of_ended(row: Invoice) -> bool:
    return row.subscription is not None and row.subscription.status in ENDED_SUBSCRIPTION


def _card_matters(facts: MemberFacts, current: Membership) -> list[Alert]:
    """Return what the member must do about the membership's card."""
    if current.state == MembershipState.PAYMENT_DUE and not _waits_for_invoice(facts, current):
        return [
            _card_alert(
                Tone.BAD,
                _("Your last payment didn’t go through"),
                _("Please check the card we charge."),
            )
        ]
    return _card_alerts(facts, current)


def _card_alerts(facts: MemberFacts, current: Membership) -> list[Alert]:
    """Return what to do about the address and card of a paid-up membership."""
    if current.row and current.row.tax_problem and settings.STRIPE_TAX:
        return [_address_alert()]
    if other := _other_card_alert(facts, current):
        return [other]
    is_charged = current.row is not None and current.row.is_renewal_charged
    if current.card_expires_soon and is_charged:
        return [
            _card_alert(
                Tone.WAIT,
                _("Your %(method)s expires soon") % {"method": current.card},
                _(
                    "It works until the end of %(month)s. Add the new one so your next payment "
                    "goes through."
                )
                % {"month": current.card_expires},
            )
        ]
    return []


def _waits_for_invoice(facts: MemberFacts, current: Membership) -> bool:
    """Whether it's waiting for a sent invoice, which has its own alert."""
    row = current.row
    return row is not None and collecting.overdue_invoice(facts.waiting_of(row)) is not None


def sent_invoices(facts: MemberFacts) -> list[Alert]:
    """Return the invoices that were sent to the member, the most urgent first."""
    by_zelle = zelle_pages.of_invoices(facts.by_zelle)
    return [
        _with_zelle(
            _sent_alert(row, descriptions.of_invoice(row, facts.names)), by_zelle.get(row.pk), facts
        )
        for row in _sent_invoices(facts)
    ]


def _sent_invoices(facts: MemberFacts) -> list[Invoice]:
    """Return the invoices to pay, without those that money by Zelle has come for."""
    by_zelle = zelle_pages.of_invoices(facts.by_zelle)
    paid = {key for key, row in by_zelle.items() if zelle_pages.has_money(row)}
    rows = [one for one in facts.waiting if one.is_payable and one.is_sent and one.pk not in paid]
    rows = [one for one in rows if not _is_of_ended(one)]
    rows.sort(key=lambda one: (one.due_at.timestamp() if one.due_at else math.inf, one.pk))
    return rows[:PAGE_SIZE]


def _with_zelle(alert: Alert, awaited: ExpectedTransfer | None, facts: MemberFacts) -> Alert:
    """Let an invoice's alert lead to its payment by Zelle, if one is awaited."""
    if awaited is None:
        return alert
    url = reverse("billing:zelle", args=[awaited.pk])
    if awaited.said_sent_at:
        sent = _("You said you’ve sent it by Zelle. We’re looking out for it.")
        return replace(alert, text=f"{alert.text} {sent}", action=_("See the payment"), url=url)
    reference = zelle.shown(awaited, facts.zelle_terms)
    how = _("Send it by Zelle with the memo %(memo)s.") % {"memo": reference}
    return replace(alert, text=f"{alert.text} {how}", action=_("Pay by Zelle"), url=url)


def _sent_alert(row: Invoice, description: str) -> Alert:
    """Ask to pay a sent invoice; nothing was declined unless the member tried."""
    if row.collection in (Collection.PROCESSING, Collection.REQUIRES_ACTION):
        return _unpaid_alert(row)
    amount = row.money_remaining
    day = long_date(row.due_at) if row.due_at else ""
    title = _("Please pay %(amount)s by %(day)s") if day else _("Please pay %(amount)s")
    if row.is_overdue:
        title = _("%(amount)s was due on %(day)s")
    text = _("Invoice %(number)s for %(what)s.") % {"number": row.number, "what": description}
    if row.collection == Collection.FAILED:
        failed = _("Your last try didn’t go through.")
        text = f"{text} {failed} {_last_refusal(row)}"
    return Alert(
        Tone.BAD if row.is_overdue else Tone.WAIT,
        title % {"amount": amount, "day": day},
        text,
        _("Pay %(amount)s now") % {"amount": amount},
        reverse("billing:invoice-hosted", args=[row.pk]),
    )


def _other_card_alert(facts: MemberFacts, current: Membership) -> Alert | None:
    """Ask whether the card that paid the last invoice should pay future ones too."""
    row = current.row
    paid = cards.made_by_other(row, facts.last_paid.get(row.pk)) if row else None
    if paid is None:
        return None
    card = texts.card(paid.card_brand, paid.card_last4)
    return Alert(
        Tone.WAIT,
        _("Use %(card)s from now on?") % {"card": card},
        " ".join([_("You paid your last invoice with it."), _now_pays(current)]),
        _("Use %(card)s") % {"card": card},
        reverse("billing:use-card", args=[paid.pk]),
        "post",
    )


def _now_pays(current: Membership) -> str:
    """Say what the next payment is charged to if the member does nothing."""
    if current.card:
        return _("Your next payment is still charged to your %(card)s.") % {"card": current.card}
    if current.row and current.row.method_id:
        return _("Your next payment is still charged to another payment method.")
    return _("There’s no card for your next payment yet.")


def _address_alert() -> Alert:
    """Ask for the address that's needed to calculate tax."""
    return Alert(
        Tone.WAIT,
        _("Please add your billing address"),
        _("We need it to work out the tax on your membership. Nothing else changes."),
        _("Add billing address"),
        reverse("billing:details"),
    )


def _card_alert(tone: Tone, title: str, text: str) -> Alert:
    return Alert(tone, title, text, _("Update your card"), reverse("billing:manage-card"), "post")


def _unpaid_alert(invoice: Invoice) -> Alert:
    amount = invoice.money_remaining
    hosted = reverse("billing:invoice-hosted", args=[invoice.pk])
    match invoice.collection:
        case Collection.PROCESSING:
            return Alert(
                Tone.WAIT,
                _about(
                    invoice,
                    _("Your payment of %(amount)s is on its way"),
                    _("Your payment of %(amount)s for %(what)s is on its way"),
                ),
                str(texts.PROCESSING),
            )
        case Collection.REQUIRES_ACTION:
            title = _about(
                invoice,
                _("Please confirm your payment of %(amount)s"),
                _("Please confirm your payment of %(amount)s for %(what)s"),
            )
            action = _("Confirm %(amount)s") % {"amount": amount}
            return Alert(Tone.WAIT, title, str(texts.TO_CONFIRM), action, hosted)
    return _failed_alert(invoice, amount, hosted)


def _failed_alert(invoice: Invoice, amount: Money, hosted: str) -> Alert:
    reason, outlook = _last_refusal(invoice), _outlook(invoice)
    title = _about(
        invoice,
        _("Your payment of %(amount)s didn’t go through"),
        _("Your payment of %(amount)s for %(what)s didn’t go through"),
    )
    if card := _tried_card(invoice):
        # Both ways lead to the same invoice being paid once; the first keeps the new card.
        return Alert(
            Tone.BAD,
            title,
            f"{reason} {outlook}",
            _("Pay with another card"),
            reverse("billing:pay-with-another", args=[invoice.pk]),
            "post",
            _("Try %(card)s again") % {"card": card},
            reverse("billing:pay-again", args=[invoice.pk]),
        )
    pay = _("Pay %(amount)s") % {"amount": amount}
    return Alert(Tone.BAD, title, f"{reason} {outlook}", pay, hosted)


def _outlook(invoice: Invoice) -> str:
    """Say what comes next for an invoice that a card didn't pay."""
    row, again = invoice.subscription, invoice.next_payment_attempt_at
    if row and row.status == SubscriptionStatus.INCOMPLETE:
        if invoice.membership:
            return _("Your membership starts once it’s paid.")
        return _("%(what)s starts once it’s paid.") % {"what": row.name}
    if again:
        return _("We’ll try again on %(day)s.") % {"day": long_date(again)}
    if row is None:
        return _("You can pay it now with this card or another.")
    what = _("your membership") if invoice.membership else row.name
    if invoice.was_last_try:
        return _("This was the last try. Pay now to keep %(what)s.") % {"what": what}
    return _("Pay now to keep %(what)s.") % {"what": what}


def _tried_card(invoice: Invoice) -> str:
    """Return the card of a running subscription that didn't pay, or ""."""
    row = invoice.subscription
    is_charged = row is not None and row.is_live and not row.is_sent and bool(row.method_id)
    if row is None or not is_charged or not payment_methods.is_to_pay(invoice):
        return ""
    return texts.card(row.card_brand, row.card_last4)


def _last_refusal(invoice: Invoice) -> str:
    """Return why the last attempt to pay an invoice failed."""
    tries = [one for one in invoice.payments.all() if not one.is_outside]
    last = tries[0] if tries else None
    return texts.failure(last.failure_code, last.card_brand) if last else texts.failure("")


def _about(invoice: Invoice, plain: str, with_name: str) -> str:
    """Return a title with the amount, and what it's for if that isn't the membership."""
    row = invoice.subscription
    is_named = row is not None and not row.is_membership
    values = {"amount": invoice.money_remaining, "what": row.name if row else ""}
    return (with_name if is_named else plain) % values


def left_open(facts: MemberFacts) -> list[Alert]:
    """Return what earlier memberships left unpaid: Stripe keeps it open, but stops collecting.

    It has nothing to do with rejoining, and says so.
    """
    rows = [one for one in facts.waiting if one.is_payable and _is_of_ended(one)]
    return [_left_open(row) for row in rows[:PAGE_SIZE]]


def _left_open(row: Invoice) -> Alert:
    values = {
        "amount": row.money_remaining,
        "what": row.subscription.name if row.subscription else "",
        "day": long_date(row.finalized_at or row.created_at),
    }
    if row.subscription and not row.membership:
        title = _("%(amount)s for %(what)s is still open") % values
    else:
        title = _("%(amount)s from your earlier membership is still open") % values
    return Alert(
        Tone.INFO,
        title,
        _(
            "This is your invoice from %(day)s. You won’t be charged automatically, so pay it "
            "whenever you like. It’s separate from any new membership."
        )
        % values,
        _("Pay %(amount)s") % values,
        reverse("billing:invoice-hosted", args=[row.pk]),
    )

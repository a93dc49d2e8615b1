"""The forms behind refund buttons: an amount, a message, a reason."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from billing.admin.refunds.case import CREDITED, Fact, rule_of_two, summary
from billing.core import fraud_texts
from billing.core.statuses import PaymentStatus, RefundOrigin, RefundReason, RefundState
from billing.facts import descriptions
from billing.models import FraudWarning, Invoice, Payment, Refund
from billing.refunds import terms as refund_terms
from billing.refunds.policy import Facts
from billing.refunds.service import RefundRequest
from common.fields import WordsField
from common.money import AmountError, Money, parse_money, typed_amount
from common.staff import show

LONGEST = 1000
# In the address: the failed refund that this one replaces.
INSTEAD_OF = "instead_of"


def _words(label: str, hint: str, *, required: bool = False) -> WordsField:
    return WordsField(
        label=label,
        required=required,
        max_length=LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=hint,
    )


class AboutRefund(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """A question about one refund, with a summary above it."""

    form_before_template = "admin/billing/refunds/summary.html"

    def __init__(self, request: HttpRequest, object_id: Any = None, **kwargs: Any) -> None:
        super().__init__(request, object_id, **kwargs)
        rows = Refund.objects.select_related("payment__invoice", "customer__user")
        self.row = rows.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        self.begin()

    def begin(self) -> None:
        """Fill in what's known."""

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        """Whose it is, how much, and what's left."""
        return {"facts": summary(self.row) if self.row else []}


class AmountField(WordsField):
    """An amount as people write it, in a currency that's set later; cleans to minor units."""

    currency = ""

    def __init__(self, label: str, hint: str, *, needs_some: bool = False) -> None:
        self.needs_some = needs_some
        super().__init__(
            label=label, max_length=30, widget=UnfoldAdminTextInputWidget, help_text=hint
        )

    def clean(self, value: Any) -> Any:
        """Parse the amount into minor units."""
        text = super().clean(value)
        try:
            amount = parse_money(text, self.currency)
        except AmountError as error:
            raise forms.ValidationError(str(error)) from error
        if self.needs_some and amount <= 0:
            raise forms.ValidationError("The amount must be more than nothing.")
        return amount


class ApproveForm(AboutRefund):
    """The full amount or less, with an optional message to the member."""

    amount = AmountField("Amount that goes back", "All that was asked for, or less.")
    words = _words("Words to the member", "Not needed. The member reads them.")

    def begin(self) -> None:
        """Start with the full amount, as requested."""
        if self.row:
            currency = self.row.currency
            self.fields["amount"].currency = currency
            self.fields["amount"].label = f"Amount that goes back, in {currency.upper()}"
            self.initial["amount"] = typed_amount(self.row.amount, currency)


class DenyForm(AboutRefund):
    """Why not."""

    words = _words("Why", "The member reads this.", required=True)


class AskSecondForm(AboutRefund):
    """What the second person should look at."""

    words = _words("Note", "For the other person, in the ledger. The member doesn't read it.")


class SentForm(AboutRefund):
    """The number that the bank shows for a refund by Zelle."""

    reference = WordsField(
        label="Zelle number",
        max_length=60,
        widget=UnfoldAdminTextInputWidget,
        help_text="As your bank shows it. The account's file is compared with it.",
    )


class NotSentForm(AboutRefund):
    """Why it didn't go out."""

    words = _words("Why", "For your team and the ledger.", required=True)


class GiveForm(BaseDialogForm):  # type: ignore[misc]
    """A refund without a request. `key` stays the same however often the form is sent."""

    form_before_template = "admin/billing/refunds/summary.html"

    amount = AmountField("Amount", "What is left of it, or less.", needs_some=True)
    reason = forms.ChoiceField(
        choices=[(one.value, one.value.replace("_", " ").capitalize()) for one in RefundReason],
        initial=RefundReason.GOODWILL,
        widget=UnfoldAdminSelectWidget,
        help_text=fraud_texts.NOT_BLOCKED,
    )
    words = _words("Words", "For your team and the ledger: what it is for.")
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, object_id: Any = None, **kwargs: Any) -> None:
        super().__init__(request, object_id, **kwargs)
        self.initial["key"] = uuid.uuid4()
        self.facts: list[Fact] = []
        left = self.left() if str(object_id).isdecimal() else None
        if left is None:
            return
        # It has a currency even if nothing is left.
        self.facts = self.describe(left)
        self.fields["amount"].currency = left.currency
        self.fields["amount"].label = f"Amount, in {left.currency.upper()}"
        self.initial["amount"] = typed_amount(left.amount, left.currency)
        if self.reported:
            self.initial["reason"] = RefundReason.REPORTED_AS_FRAUD

    # What a card's bank reports of a payment, if that's still to be settled.
    reported: FraudWarning | None = None
    # For each payment that could provide some of it.
    of_payments: Sequence[Facts] = ()
    # What became credit when the member switched, in minor units.
    credited = 0

    def left(self) -> Money | None:
        """What can be refunded."""
        raise NotImplementedError

    def describe(self, left: Money) -> list[Fact]:
        """The text above the dialog's fields."""
        return [
            *self.whose(),
            *self.warning(),
            Fact("Left to refund", str(left)),
            *self.credit(left.currency),
            *rule_of_two(self.of_payments, self.credited),
        ]

    def credit(self, currency: str) -> list[Fact]:
        """Say why less is left than was paid although nothing was refunded."""
        if not self.credited:
            return []
        return [Fact("Credit", f"{Money(self.credited, currency)} {CREDITED}.")]

    def warning(self) -> list[Fact]:
        """Say that a card's bank reports it as fraud, and that it's not for the member."""
        if not self.reported:
            return []
        said = fraud_texts.report(self.reported.fraud_type)
        note = f"{said} Refund all of it to settle the warning. {fraud_texts.CONFIDENTIAL}"
        return [Fact("Fraud warning", show.link(self.reported, note))]

    def whose(self) -> list[Fact]:
        """Say whose money it is."""
        raise NotImplementedError

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        """Whose it is, and what's left."""
        return {"facts": self.facts}

    def as_request(self) -> RefundRequest:
        """What the valid form asks for."""
        values = self.cleaned_data
        return RefundRequest(
            amount=values["amount"],
            reason=RefundReason(values["reason"]),
            words=values["words"],
            key=values["key"],
        )


class GiveOnPaymentForm(GiveForm):
    """A refund of one payment."""

    payment: Payment | None = None

    def __init__(self, request: HttpRequest, object_id: Any = None, **kwargs: Any) -> None:
        super().__init__(request, object_id, **kwargs)
        number = request.GET.get(INSTEAD_OF, "")
        if self.payment and number.isascii() and number.isdecimal():
            self.repeat(self.payment.refunds.filter(pk=number, state=RefundState.FAILED).first())

    def repeat(self, failed: Refund | None) -> None:
        """Start as a refund that failed was: its amount, if that's left, reason, and note."""
        if failed is None:
            return
        amount = min(failed.amount, self.of_payments[0].left)
        self.initial["amount"] = typed_amount(amount, failed.currency)
        self.initial["reason"] = failed.reason or self.initial.get("reason")
        self.initial["words"] = failed.words if failed.origin == RefundOrigin.STAFF else ""

    def left(self) -> Money | None:
        """What's left of the payment."""
        rows = Payment.objects.select_related("invoice", "customer__user")
        self.payment = rows.filter(pk=self.object_id).first()
        if self.payment is None:
            return None
        self.of_payments = [refund_terms.facts_of(self.payment)]
        self.reported = self.payment.fraud_warnings.to_settle().first()
        self.credited = refund_terms.credited_of([self.payment])
        return Money(self.of_payments[0].left, self.payment.currency)

    def whose(self) -> list[Fact]:
        """The member and what they paid."""
        row = self.payment
        if row is None:
            return []
        paid = f"{row.money_received} on {show.day(row.paid_at)}"
        return [
            Fact("Member", show.name_of(row.customer.user)),
            Fact("Paid", paid),
            Fact("For", descriptions.of_one(row)),
        ]


class GiveOnInvoiceForm(GiveForm):
    """A refund of an invoice, from whichever payments are needed."""

    invoice: Invoice | None = None

    def left(self) -> Money | None:
        """What's left of all the invoice's payments."""
        self.invoice = (
            Invoice.objects.select_related("customer__user").filter(pk=self.object_id).first()
        )
        if self.invoice is None:
            return None
        paid = self.invoice.payments.filter(status=PaymentStatus.SUCCEEDED)
        rows = list(paid.select_related("invoice"))
        self.of_payments = list(refund_terms.facts_of_all(rows, counts_automatic=False).values())
        self.reported = FraudWarning.objects.to_settle().filter(payment__in=rows).first()
        self.credited = refund_terms.credited_of(rows)
        return Money(sum(one.left for one in self.of_payments), self.invoice.currency)

    def whose(self) -> list[Fact]:
        """The member and the invoice."""
        row = self.invoice
        if row is None:
            return []
        return [Fact("Member", show.name_of(row.customer.user)), Fact("Invoice", str(row))]

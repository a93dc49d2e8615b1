"""The staff's buttons for an open invoice and for a draft that was kept during a pause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.forms import BaseDialogForm

from billing.core import texts
from billing.core.statuses import InvoiceStatus
from billing.membership import payment_methods
from billing.models import Invoice
from billing.payments import by_staff
from billing.payments.by_staff import SettleError
from common.money import Money
from common.staff import show
from common.staff.parts import button, row_or_404
from members.access import current_user
from members.signin.staff_recent import recently_signed_in

BUTTONS = ["charge_again", "give_up", "void"]
OF_DRAFT = ["finalize", "discard"]


class AboutInvoice(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """A question about one invoice, with what's true now above it."""

    form_before_template = "admin/billing/memberships/now.html"

    def get_before_template_context(
        self, request: HttpRequest, object_id: Any = None
    ) -> dict[str, Any]:
        """Say whose it is, what's open, and which card would be charged."""
        rows = Invoice.objects.select_related("customer__user", "subscription")
        row = rows.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        return {"lines": _now(row) if row else []}


class InvoiceButtons:
    """What staff do about money that's owed, without Stripe's dashboard. Each asks first."""

    log_change: Callable[..., Any]

    def has_charge_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may charge it again, and there's a card to charge."""
        return _may(request, object_id, _can_be_charged)

    def has_close_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may give it up or take it back, and it's owed."""
        return _may(request, object_id, by_staff.can_be_closed)

    @recently_signed_in
    @button(
        "Charge now",
        icon="credit_card",
        path="charge-again",
        permission="charge",
        question="Charge the card again now?",
        explanation=(
            "Stripe tries the membership’s card right away, besides its own retries. If it works,"
            " the member gets a receipt."
        ),
        form=AboutInvoice,
        is_primary=False,
    )
    def charge_again(
        self, request: HttpRequest, form: AboutInvoice, object_id: str
    ) -> HttpResponse:
        """Try to charge it once more."""
        row, actor = row_or_404(Invoice, object_id), current_user(request)
        return self._settle(
            request, row, lambda: by_staff.charge_again(row, actor), "Charged the card again."
        )

    @recently_signed_in
    @button(
        "Mark uncollectible",
        icon="do_not_disturb_on",
        path="give-up",
        permission="close",
        question="Give up on this invoice?",
        explanation=(
            "Stripe stops trying to charge it. It stays owed, and its member can still pay it. In"
            " the books it’s a bad debt."
        ),
        form=AboutInvoice,
        is_primary=False,
    )
    def give_up(self, request: HttpRequest, form: AboutInvoice, object_id: str) -> HttpResponse:
        """Mark it as uncollectible."""
        row, actor = row_or_404(Invoice, object_id), current_user(request)
        return self._settle(
            request, row, lambda: by_staff.give_up(row, actor), "Marked as uncollectible."
        )

    @recently_signed_in
    @button(
        "Void",
        icon="block",
        path="void",
        permission="close",
        question="Take this invoice back?",
        explanation=(
            "It’s as if it had never been sent: nobody owes it, and nobody can pay it anymore. You"
            " can’t undo that."
        ),
        form=AboutInvoice,
        is_primary=False,
    )
    def void(self, request: HttpRequest, form: AboutInvoice, object_id: str) -> HttpResponse:
        """Void it."""
        row, actor = row_or_404(Invoice, object_id), current_user(request)
        return self._settle(request, row, lambda: by_staff.void(row, actor), "Voided the invoice.")

    def has_draft_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may settle it, and it's a draft that was kept."""
        return _may(request, object_id, lambda row: row.is_kept_draft)

    @recently_signed_in
    @button(
        "Finalize",
        icon="outgoing_mail",
        path="finalize",
        permission="draft",
        question="Finalize this draft?",
        explanation=(
            "It gets a number and is owed. Stripe charges the membership’s card soon, or the member"
            " gets the invoice if they pay by invoice or Zelle. You can’t make it a draft again."
        ),
        form=AboutInvoice,
        is_primary=False,
    )
    def finalize(self, request: HttpRequest, form: AboutInvoice, object_id: str) -> HttpResponse:
        """Open the draft."""
        row, actor = row_or_404(Invoice, object_id), current_user(request)
        return self._settle(request, row, lambda: by_staff.finalize(row, actor), "Finalized it.")

    @recently_signed_in
    @button(
        "Discard draft",
        icon="delete",
        path="discard",
        permission="draft",
        question="Discard this draft?",
        explanation=(
            "Nobody will owe it. Stripe deletes no draft of a subscription, so it gets a number and"
            " is void right away. You can’t undo that."
        ),
        form=AboutInvoice,
        is_primary=False,
    )
    def discard(self, request: HttpRequest, form: AboutInvoice, object_id: str) -> HttpResponse:
        """Void it without collecting it."""
        row, actor = row_or_404(Invoice, object_id), current_user(request)
        return self._settle(request, row, lambda: by_staff.discard(row, actor), "Discarded it.")

    def _settle(
        self, request: HttpRequest, row: Invoice, act: Callable[[], Invoice], done: str
    ) -> HttpResponse:
        """Do it, log it, and go to the member's page, which says what's true now."""
        try:
            now = act()
        except (SettleError, PermissionDenied) as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, row, done)
            self.log_change(request, row.customer.user, f"{row}: {done}")
            state = str(now.get_status_display()).lower()
            messages.success(request, f"{done} The invoice is {state} now.")
        return redirect(show.page_of(row.customer.user))


def _may(request: HttpRequest, object_id: str, suits: Callable[[Invoice], bool]) -> bool:
    """Whether this staff member may settle invoices, and this one suits."""
    if not request.user.has_perm(by_staff.MAY_SETTLE):
        return False
    if not str(object_id).isdecimal():
        return True
    row = Invoice.objects.filter(pk=object_id).select_related("subscription").first()
    return row is not None and suits(row)


def _can_be_charged(row: Invoice) -> bool:
    has_card = row.subscription is not None and bool(row.subscription.method_id)
    return payment_methods.is_to_pay(row) and has_card


def _now(row: Invoice) -> list[str]:
    """Return what's true now, a sentence each."""
    name = show.name_of(row.customer.user)
    if row.is_kept_draft:
        lines = [
            f"{name}: a draft of {Money(row.total, row.currency)}, {show.day(row.created_at)}."
        ]
    else:
        lines = [f"{name}: {row}, {row.money_remaining} of {row.money_due} still to pay."]
    if row.subscription and (
        card := texts.card(row.subscription.card_brand, row.subscription.card_last4)
    ):
        lines.append(f"The membership’s card: {card}.")
    if row.status == InvoiceStatus.OPEN and row.next_payment_attempt_at:
        lines.append(f"Stripe would try again on {show.day(row.next_payment_attempt_at)}.")
    return lines

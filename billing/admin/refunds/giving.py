"""The button that refunds a payment or an invoice without a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.dataclasses import UnfoldAction

from billing.admin.refunds.dialogs import GiveForm
from billing.core.statuses import PaymentStatus
from billing.models import Payment, Refund
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.transitions import RefundAmountError, RefundError
from common.money import Money
from common.staff import show
from common.staff.dialogs import ask_again

PATH = "refund"


class GivesRefunds:
    """Shared by the pages of payments and invoices. `payments_by` finds a page's payments."""

    payments_by = "pk"

    def has_give_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may give refunds."""
        return bool(request.user.has_perm(refunds.MAY_APPROVE))

    def is_refundable(self, request: HttpRequest, object_id: Any) -> bool:
        """Whether someone else paid it, and something is left that isn't disputed."""
        paid = Payment.objects.filter(
            status=PaymentStatus.SUCCEEDED, **{self.payments_by: object_id}
        )
        rows = list(paid.exclude(customer__user=request.user.pk).select_related("invoice"))
        facts = refund_terms.facts_of_all(rows, counts_automatic=False).values()
        return any(one.left and not (one.is_disputed or one.is_charged_back) for one in facts)

    def get_actions_detail(self: Any, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        """Show the button if there's something to refund that isn't one's own."""
        actions: list[UnfoldAction] = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        if str(object_id).isdecimal() and self.is_refundable(request, object_id):
            return actions
        return [one for one in actions if one.path != PATH]

    def give_refund(
        self: Any,
        request: HttpRequest,
        form: GiveForm,
        row: Any,
        give: Callable[[], list[Refund]],
        button: Any,
    ) -> HttpResponse:
        """Give it, and show the result on the refund's page, or why not on the original page.

        `button` is the one that was pressed: it asks again if only the amount is too high.
        """
        try:
            given = give()
        except RefundAmountError as error:
            form.add_error("amount", str(error))
            return ask_again(request, button, form)
        except (RefundError, PermissionDenied) as error:
            messages.error(request, str(error))
            return redirect(show.page_of(row))
        for one in given:
            self.log_addition(request, one, "Given without a request.")
        messages.success(request, _came_to(given))
        return redirect(show.page_of(given[0]))


def _came_to(given: list[Refund]) -> str:
    money = Money(sum(one.amount for one in given), given[0].currency)
    if any(one.is_undecided for one in given):
        return f"{money} waits: somebody else has to agree, too."
    return f"{money} goes back. The member is told."

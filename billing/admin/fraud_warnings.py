"""Early fraud warnings on the staff site: what a bank reports, and what to do about it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RadioFilter
from unfold.forms import BaseDialogForm

from billing.admin import labels
from billing.admin.acting import Acting
from billing.admin.bank.dialogs import BecauseForm
from billing.admin.copies import StripeCopyAdmin, disputes_of, on_day
from billing.admin.refunds.case import refunds_of
from billing.admin.stripe_links import stripe_url
from billing.core import fraud_texts, texts
from billing.disputes import fraud_warnings
from billing.disputes.fraud_warnings import WarningError
from billing.models import FraudWarning, Payment, Refund
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import button, column, page_button, row_of_buttons, row_or_404
from members.access import current_user

REFUND, LEAVE, AGAIN = "refund", "leave", "take_up"
NOTHING_TO_REFUND = (
    "It’s about a try to pay that didn’t go through, or that isn’t the one that paid. There’s"
    " nothing to refund."
)
Rows = QuerySet[Any]


class NeedsFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Warnings by whether they wait for somebody."""

    title = "what it needs"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer those to look at, those that staff left, and the rest."""
        return [("look", "To look at"), ("left", "Left as it is"), ("over", "Nothing")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep those."""
        open_ones = FraudWarning.objects.to_settle().order_by().values("pk")
        match self.value():
            case "look":
                return queryset.filter(pk__in=open_ones)
            case "left":
                return queryset.exclude(left_at=None)
            case "over":
                return queryset.filter(left_at=None).exclude(pk__in=open_ones)
            case _:
                return queryset


@admin.register(FraudWarning)
class FraudWarningAdmin(Acting, StripeCopyAdmin):
    """Payments that a card's bank reports as fraud, before anyone disputes them."""

    refusal = WarningError
    search_fields = ["stripe_id__startswith", "payment__stripe_id__startswith"]
    search_help_text = "Part of a name or email address, phone number, issfr_…, or pi_…"
    list_display = ["who", "money", "state", "report", "reported"]
    list_select_related = ["customer__user", "payment", "left_by"]
    actions_detail = ["refund_it", "leave_it", "take_it_up", "open_in_stripe"]
    actions_row: list[str] = []
    nothing = "No bank has reported a payment as fraud."
    nothing_left = {"needs=look": "No warning waits for you."}
    list_filter = [NeedsFilter, ("created_at", by_day("day reported"))]
    fieldsets = [
        (None, {"fields": ["state", "report", "money", "advice"]}),
        ("If you leave it", {"fields": ["left"]}),
        ("Who and what", {"fields": ["member", "payment_link", "invoice_link", "paid", "card"]}),
        ("Dates", {"fields": ["began"]}),
        ("Belongs together", {"fields": ["customer_link", "refunds", "disputes", "events"]}),
        ("Copy of Stripe's record", {
            "fields": ["stripe_id", "fraud_type", "charge_id", "actionable", "read"],
        }),
    ]  # fmt: skip

    link_lookups = frozenset({"customer__id__exact"})

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Warnings with their payments' disputes: one more query for the whole page."""
        rows: Rows = super().get_queryset(request)
        return rows.prefetch_related("payment__disputes")

    def get_fieldsets(self, request: HttpRequest, obj: FraudWarning | None = None) -> Any:
        """Show the note only if there is one."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or obj.left_at:
            return fieldsets
        return [one for one in fieldsets if "left" not in one[1]["fields"]]

    def stripe_page(self, row: FraudWarning) -> str:
        """The payment's page: a warning has none of its own."""
        return stripe_url("payments", row.payment.stripe_id)

    def palette_title(self, row: FraudWarning) -> str:
        """Whose, how much, and when."""
        return f"{show.name_of(row.customer.user)}: {on_day(row.payment)}"

    def has_refund_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may refund the payment, and a refund would settle it."""
        row = row_of_buttons(request, FraudWarning, str(object_id))
        giving: Any = admin.site.get_model_admin(Payment)
        if row is None or not row.is_open or not giving.has_give_permission(request):
            return False
        return bool(giving.is_refundable(request, row.payment_id))

    def has_leave_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may leave it, and it waits."""
        row = row_of_buttons(request, FraudWarning, str(object_id))
        return request.user.has_perm(fraud_warnings.MAY_LEAVE) and (row is None or row.is_open)

    def has_take_up_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may let it wait again, and somebody left it."""
        row = row_of_buttons(request, FraudWarning, str(object_id))
        may = request.user.has_perm(fraud_warnings.MAY_LEAVE)
        return may and (row is None or row.left_at is not None)

    @page_button("Refund the payment", icon="undo", path=REFUND, permission="refund")
    def refund_it(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the question that refunds the payment."""
        row = row_or_404(FraudWarning, object_id)
        return redirect("admin:billing_payment_give", row.payment_id)

    @button(
        "Leave it",
        icon="inventory",
        path=LEAVE,
        permission="leave",
        question="Leave this payment as it is?",
        explanation=(
            "Nothing is refunded, and the warning no longer waits. The owner of the card can still"
            " dispute the payment."
        ),
        form=BecauseForm,
        is_primary=False,
    )
    def leave_it(self, request: HttpRequest, form: BecauseForm, object_id: str) -> HttpResponse:
        """Note that it isn't refunded, and why."""
        because = form.cleaned_data["because"]
        return self._act(
            request,
            object_id,
            lambda row: fraud_warnings.leave(row.pk, current_user(request), because),
            f"Left as it is: {because}",
        )

    @button(
        "Look at it again",
        icon="undo",
        path=AGAIN,
        permission="take_up",
        question="Look at this payment again?",
        explanation="As long as the bank’s warning stands, it waits for somebody again.",
    )
    def take_it_up(
        self, request: HttpRequest, _form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        """Let it wait again."""
        return self._act(
            request,
            object_id,
            lambda row: fraud_warnings.take_up(row.pk, current_user(request)),
            "It waits for somebody again.",
        )

    @column("State")
    def state(self, row: FraudWarning) -> SafeString:
        """Whether it waits for somebody, or why not."""
        return show.badge(*labels.fraud_warning(row))

    @column("Payment")
    def money(self, row: FraudWarning) -> str:
        """The payment's amount, as text."""
        return str(row.payment.money)

    @column("What the bank says", ordering="fraud_type")
    def report(self, row: FraudWarning) -> str:
        """What the bank reports, in a sentence."""
        return fraud_texts.report(row.fraud_type)

    @column("What to do")
    def advice(self, row: FraudWarning) -> SafeString | str:
        """What it means and asks for, if it does."""
        if not row.is_of_this_charge:
            return NOTHING_TO_REFUND
        if not row.is_open:
            return str(fraud_texts.SETTLED)
        lines = (fraud_texts.MEANING, fraud_texts.ADVICE, fraud_texts.CONFIDENTIAL)
        return format_html_join("", "<p>{}</p>", [(line,) for line in lines])

    @column("Note")
    def left(self, row: FraudWarning) -> str:
        """Who left it as it is, when, and why."""
        return f"{show.name_of(row.left_by)}, {show.moment(row.left_at)}: {row.left_because}"

    @column("Payment")
    def payment_link(self, row: FraudWarning) -> SafeString | str:
        """Link to the payment."""
        return show.link(row.payment, on_day(row.payment))

    @column("Invoice")
    def invoice_link(self, row: FraudWarning) -> SafeString | str:
        """Link to the invoice that was paid."""
        return show.link(row.payment.invoice)

    @column("Paid")
    def paid(self, row: FraudWarning) -> str:
        """When the payment was made."""
        return show.moment(row.payment.paid_at)

    @column("Card")
    def card(self, row: FraudWarning) -> str:
        """ "Visa ending in 4242"."""
        return texts.card(row.payment.card_brand, row.payment.card_last4) or show.NOTHING

    @column("Reported", ordering="created_at")
    def reported(self, row: FraudWarning) -> SafeString:
        """How long ago the bank reported it."""
        return show.when(row.created_at)

    @column("Reported")
    def began(self, row: FraudWarning) -> str:
        """When the bank reported it."""
        return show.moment(row.created_at)

    @column("Refunds")
    def refunds(self, row: FraudWarning) -> SafeString | str:
        """Links to the payment's refunds."""
        return refunds_of(Refund.objects.filter(payment=row.payment))

    @column("Disputes")
    def disputes(self, row: FraudWarning) -> SafeString | str:
        """Links to the payment's disputes."""
        return show.links(disputes_of(row.payment))

    @column("Actionable at Stripe", boolean=True)
    def actionable(self, row: FraudWarning) -> bool:
        """Whether Stripe says that a refund can still settle it."""
        return row.is_actionable

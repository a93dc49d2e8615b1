"""Stripe's objects as staff see them: names, money and state first, ids last, nothing to edit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, F, Prefetch, Q, QuerySet, Sum, When
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RadioFilter

from billing import descriptions, discounts, received, refund_terms, refunds, subscriptions, wording
from billing.admin import exports, labels, refund_giving
from billing.admin.refund_case import refunds_of
from billing.admin.refund_dialogs import GiveOnInvoiceForm, GiveOnPaymentForm
from billing.admin.refund_giving import GivesRefunds
from billing.forms import REASONS
from billing.models import (
    Checkout,
    Customer,
    Invoice,
    MembershipDecision,
    Payment,
    Plan,
    Refund,
    StripeEvent,
    Subscription,
)
from billing.money import Money
from billing.states import (
    CHARGED_SUBSCRIPTION,
    LIVE_SUBSCRIPTION,
    CancellationReason,
    Collection,
    InvoiceStatus,
    MembershipAction,
    PaymentStatus,
)
from members.access import current_user
from portal.staff import search, show
from portal.staff.bookkeeping import MoneyListAdmin, SumOfCurrency
from portal.staff.filters import by_day, titled
from portal.staff.parts import button, column, row_or_404
from portal.staff.read_only import ReadOnlyAdmin
from portal.staff.recent import recently_signed_in

SHOWN = 12
SHORT = 90
Rows = QuerySet[Any]
COUNTS = ~Q(status__in=[InvoiceStatus.DRAFT, InvoiceStatus.VOID])
# Of an invoice whose status, or the state of whose collection, says it all.
OUTLOOKS: dict[str, str] = {
    InvoiceStatus.VOID: "Void: counts for nothing",
    InvoiceStatus.UNCOLLECTIBLE: "Given up: will not be tried again",
    Collection.PROCESSING: "The bank is working on it",
    Collection.REQUIRES_ACTION: "Waits for the member, whom the bank wants to ask",
}


class StripeCopyAdmin(ReadOnlyAdmin):
    """A copy of one of Stripe's objects that belongs to a customer."""

    person_field = "customer_id"
    list_select_related = ["customer__user"]
    actions_detail = ["open_in_stripe"]
    actions_row = ["open_in_stripe"]

    def palette_title(self, row: Any) -> str:
        """Whose it is, and what."""
        return f"{show.name_of(row.customer.user)}: {row}"

    @column("Member", ordering="customer__name", header=True)
    def who(self, row: Any) -> list[str]:
        """Name over e-mail address."""
        user = row.customer.user
        return [show.name_of(user), user.email]

    @column("Member")
    def member(self, row: Any) -> SafeString | str:
        """Link to the member."""
        return show.member(row.customer.user)

    @column("Customer")
    def customer_link(self, row: Any) -> SafeString | str:
        """Link to the customer."""
        return show.link(row.customer)

    @column("Card")
    def card(self, row: Any) -> str:
        """ "Visa ending in 4242"."""
        return wording.card(row.card_brand, row.card_last4) or show.NOTHING

    @column("Last read from Stripe")
    def read(self, row: Any) -> str:
        """When the row was last known to be right."""
        return show.moment(row.read_at)

    @column("Webhook events")
    def events(self, row: Any) -> SafeString | str:
        """Links to the events about this very object, the newest first."""
        found = StripeEvent.objects.filter(object_id=row.stripe_id).defer("payload")[:SHOWN]
        return show.links([(show.page_of(event), event.type) for event in found])


@admin.register(Customer)
class CustomerAdmin(StripeCopyAdmin):
    """Who pays."""

    stripe_path = "customers"
    person_field = "user_id"
    search_fields = ["stripe_id__startswith"]
    search_help_text = "Name, e-mail address, phone number or cus_…: how it begins"
    list_display = ["who", "standing", "created", "stripe_id"]
    ordering = ["-pk"]
    list_select_related = ["user"]
    list_filter = ["deleted_at_stripe", ("created_at", by_day("customer since"))]
    fieldsets = [
        (None, {"fields": ["member", "standing", "name", "email", "deleted_at_stripe"]}),
        ("Money", {"fields": ["subscriptions", "invoices", "payments", "refunds", "disputes"]}),
        ("What happened", {"fields": ["messages", "events"]}),
        ("Copy of Stripe's record", {"fields": ["stripe_id", "created", "read"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Each customer with their subscriptions: one more query for a whole page."""
        newest = Subscription.objects.order_by("-started_at", "-id")
        rows: Rows = super().get_queryset(request)
        return rows.prefetch_related(Prefetch("subscriptions", newest))

    def palette_title(self, row: Customer) -> str:
        """The member's name."""
        return show.name_of(row.user)

    def find_persons(self, term: str) -> list[int]:
        """Users, whose column a customer has itself."""
        return search.people(term)

    @column("Member", ordering="name", header=True)
    def who(self, row: Customer) -> list[str]:
        """Name over e-mail address."""
        return [show.name_of(row.user), row.user.email]

    @column("Member")
    def member(self, row: Customer) -> SafeString | str:
        """Link to the member."""
        return show.member(row.user)

    @column("Membership")
    def standing(self, row: Customer) -> SafeString | str:
        """State of the subscription that counts: a live one, else the newest."""
        found = list(row.subscriptions.all())
        live = [one for one in found if one.status in LIVE_SUBSCRIPTION]
        current = next(iter(live or found), None)
        return show.state(current, "status", labels.SUBSCRIPTION) if current else show.NOTHING

    @column("Subscriptions")
    def subscriptions(self, row: Customer) -> SafeString | str:
        """Links to all of them."""
        return show.links(
            [
                (show.page_of(one), f"{one.get_status_display()}, since {show.day(one.started_at)}")
                for one in row.subscriptions.all()
            ]
        )

    @column("Invoices")
    def invoices(self, row: Customer) -> SafeString | str:
        """Links to the newest, and to the list of all."""
        found = [
            (
                show.page_of(one),
                f"{show.money(one.total, one.currency)} on {show.day(one.created_at)}",
            )
            for one in row.invoices.all()[:SHOWN]
        ]
        return show.links([*found, _all("billing.invoice", row)] if found else [])

    @column("Payments")
    def payments(self, row: Customer) -> SafeString | str:
        """Links to the newest, and to the list of all."""
        found = [
            (
                show.page_of(one),
                f"{_on_day(one.amount, one)}, {received.state(one).lower()}",
            )
            for one in row.payments.prefetch_related("disputes")[:SHOWN]
        ]
        return show.links([*found, _all("billing.payment", row)] if found else [])

    @column("Refunds")
    def refunds(self, row: Customer) -> SafeString | str:
        """Links to the newest."""
        return refunds_of(Refund.objects.filter(customer=row))

    @column("Disputes")
    def disputes(self, row: Customer) -> SafeString | str:
        """Links to the newest, and to the list of all."""
        found = _disputes(row)
        return show.links([*found, _all("billing.dispute", row)] if found else [])

    @column("Messages")
    def messages(self, row: Customer) -> SafeString | str:
        """Link to what we wrote them."""
        address = show.list_of("emails.message", user__id__exact=row.user_id)
        return show.anchor(address, "Everything we wrote")

    @column("Webhook events")
    def events(self, row: Customer) -> SafeString | str:
        """Link to every event about them."""
        address = show.list_of("billing.stripeevent", customer_id=row.stripe_id)
        return show.anchor(address, "Everything that Stripe told us")

    @column("Customer since", ordering="created_at")
    def created(self, row: Customer) -> str:
        """The day they were made at Stripe."""
        return show.day(row.created_at)


class EndingFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Memberships that are going on, or ending by themselves."""

    title = "ending"
    parameter_name = "ending"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("yes", "Ending"), ("no", "Going on")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep the live ones that have an end, or none."""
        live = queryset.filter(status__in=LIVE_SUBSCRIPTION)
        going_on = {"cancel_at_period_end": False, "cancel_at__isnull": True}
        if self.value() == "yes":
            return live.exclude(**going_on)
        return live.filter(**going_on) if self.value() == "no" else queryset


@admin.register(Subscription)
class SubscriptionAdmin(StripeCopyAdmin):
    """Who is a member."""

    stripe_path = "subscriptions"
    search_fields = ["stripe_id__startswith"]
    search_help_text = "Name, e-mail address, phone number or sub_…: how it begins"
    list_display = ["who", "price", "state", "next_step", "card", "since", "stripe_id"]
    list_filter = [
        ("status", titled(ChoicesDropdownFilter, "state")),
        EndingFilter,
        ("started_at", by_day("day begun")),
        ("current_period_end", by_day("end of the period paid for")),
    ]
    fieldsets = [
        (None, {
            "fields": [
                "state", "member", "price", "discount", "next_step", "card", "card_expiry",
            ],
        }),
        ("Dates", {"fields": ["since", "period", "trial", "canceled", "ended"]}),
        ("Belongs together", {"fields": ["customer_link", "decisions", "invoices", "events"]}),
        ("Copy of Stripe's record", {"fields": ["stripe_id", "price_id", "end_reason", "read"]}),
    ]  # fmt: skip
    actions_detail = ["open_in_stripe", "end_now"]

    def has_end_now_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this member of staff may end a membership at once, and it is not over."""
        if not request.user.has_perm(subscriptions.MAY_END_NOW):
            return False
        found = Subscription.objects.filter(pk=object_id) if str(object_id).isdecimal() else None
        return found is None or any(row.is_live for row in found)

    @button(
        "End now",
        icon="cancel",
        path="end-now",
        permission="end_now",
        question="End this membership at once?",
        explanation=(
            "The member loses the membership now and is told so. Nothing is paid back by it, and it"
            " can't be taken back. To end it with the period, let the member cancel it."
        ),
    )
    def end_now(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """End the membership."""
        row = row_or_404(Subscription, object_id)
        try:
            subscriptions.cancel_now(row, current_user(request))
        except subscriptions.MembershipError as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, row, "Ended at once.")
            messages.success(request, "The membership is ended. The member is told.")
        return redirect(show.page_of(row))

    def palette_title(self, row: Subscription) -> str:
        """Whose it is, and its state: what a subscription is called anyway."""
        return str(row)

    @column("State", ordering="status")
    def state(self, row: Subscription) -> SafeString:
        """Stripe's status in its colour."""
        return show.state(row, "status", labels.SUBSCRIPTION)

    @column("Price", ordering="amount")
    def price(self, row: Subscription) -> str:
        """ "$29.00 a month"."""
        every = wording.interval(row.interval, row.interval_count)
        return f"{show.money(row.amount, row.currency)} a {every}"

    @column("What is next", ordering="current_period_end")
    def next_step(self, row: Subscription) -> str:
        """When it is charged, ends, or ended."""
        if not row.is_live:
            return f"Ended {show.day(row.ended_at)}" if row.ended_at else show.NOTHING
        if row.ends_at:
            return f"Ends {show.day(row.ends_at)}"
        charge = discounts.next_charge(row) if row.status in CHARGED_SUBSCRIPTION else None
        amount = "" if charge is None else f" of {charge}"
        return f"Next charge{amount} {show.day(row.current_period_end)}"

    @column("Discount")
    def discount(self, row: Subscription) -> str:
        """ "20% off until 4 March"."""
        return "; ".join(map(str, discounts.in_words(row))) or show.NOTHING

    @column("Card expires")
    def card_expiry(self, row: Subscription) -> str:
        """ "12/2030"."""
        return wording.card_expiry(row.card_expires) or show.NOTHING

    @column("Since", ordering="started_at")
    def since(self, row: Subscription) -> str:
        """The day it began."""
        return show.day(row.started_at)

    @column("Paid for")
    def period(self, row: Subscription) -> str:
        """The current period."""
        return f"{show.day(row.current_period_start)} to {show.day(row.current_period_end)}"

    @column("Trial until")
    def trial(self, row: Subscription) -> str:
        """The trial's end."""
        return show.moment(row.trial_end)

    @column("Cancelled")
    def canceled(self, row: Subscription) -> str:
        """When somebody cancelled it, which may be before its end."""
        return show.moment(row.canceled_at)

    @column("Ended")
    def ended(self, row: Subscription) -> str:
        """When it ended."""
        return show.moment(row.ended_at)

    @column("Decisions")
    def decisions(self, row: Subscription) -> SafeString | str:
        """Links to what was decided about it."""
        return show.links(
            [
                (show.page_of(one), f"{one.get_action_display()} on {show.day(one.created_at)}")
                for one in row.decisions.all()[:SHOWN]
            ]
        )

    @column("Invoices")
    def invoices(self, row: Subscription) -> SafeString | str:
        """Links to the newest, and to the list of all."""
        found = [
            (
                show.page_of(one),
                f"{show.money(one.total, one.currency)} on {show.day(one.created_at)}",
            )
            for one in row.invoices.all()[:SHOWN]
        ]
        everything = show.list_of("billing.invoice", subscription__id__exact=row.pk)
        return show.links([*found, (everything, "All")] if found else [])


@admin.register(Invoice)
class InvoiceAdmin(GivesRefunds, MoneyListAdmin, StripeCopyAdmin):
    """What members were asked to pay."""

    stripe_path = "invoices"
    actions_detail = ["open_in_stripe", "give_on_invoice"]
    search_fields = ["number__istartswith", "stripe_id__startswith"]
    search_help_text = "Name, e-mail address, phone number, invoice number or in_…: how it begins"
    list_display = ["who", "amount", "state", "issued", "outlook", "number", "stripe_id"]
    list_filter = [
        ("status", titled(ChoicesDropdownFilter, "state")),
        ("created_at", by_day("day issued")),
    ]
    fieldsets = [
        (None, {"fields": ["state", "member", "amount", "outlook", "lines_table", "credit_notes"]}),
        ("Dates", {"fields": ["issued", "due", "paid", "closed"]}),
        ("Belongs together", {
            "fields": [
                "customer_link", "subscription_link", "payments", "refunds", "documents", "events",
            ],
        }),
        ("Copy of Stripe's record", {
            "fields": [
                "number", "stripe_id", "billing_reason", "attempt_count", "collection", "read",
            ],
        }),
    ]  # fmt: skip

    link_lookups = frozenset({"customer__id__exact", "subscription__id__exact"})
    # A draft asks for nothing yet, and a void invoice never did. What is less than nothing is
    # credit, and so is what credit notes took off.
    sums = {
        "Invoiced": Sum("total", filter=COUNTS & Q(total__gt=0)),
        "Credited": Sum(
            Case(When(total__lt=0, then=F("total")), default=0)
            - F("pre_payment_credit_notes_amount")
            - F("post_payment_credit_notes_amount"),
            filter=COUNTS,
        ),
        "Paid": Sum("amount_paid"),
        "Still to pay": Sum("amount_remaining", filter=Q(status=InvoiceStatus.OPEN)),
    }
    export_columns = exports.INVOICE_COLUMNS

    def export_rows(self, rows: Rows) -> Iterator[list[str]]:
        """As a bookkeeper wants them."""
        return exports.invoices(rows)

    def palette_title(self, row: Invoice) -> str:
        """Whose, how much and which."""
        return f"{show.name_of(row.customer.user)}: {_on_day(row.total, row)}, {row}"

    @column("State", ordering="status")
    def state(self, row: Invoice) -> SafeString:
        """What it has come to, in its colour."""
        return show.badge(*labels.invoice(row))

    @column("Total", ordering="total")
    def amount(self, row: Invoice) -> str:
        """The total as text."""
        return show.money(row.total, row.currency)

    @column("Issued", ordering="created_at")
    def issued(self, row: Invoice) -> str:
        """The day it was made."""
        return show.day(row.created_at)

    @column("Due")
    def due(self, row: Invoice) -> str:
        """When it must be paid."""
        return show.moment(row.due_at)

    @column("Paid")
    def paid(self, row: Invoice) -> str:
        """When it was paid."""
        return show.moment(row.paid_at)

    @column("Voided or given up")
    def closed(self, row: Invoice) -> str:
        """When it stopped asking for money."""
        return show.moment(row.voided_at or row.given_up_at)

    @column("Credit notes")
    def credit_notes(self, row: Invoice) -> SafeString | str:
        """Links to each."""
        found = row.credit_notes.all()[:SHOWN]
        return show.links(
            [(show.page_of(one), f"{one}: {show.money(one.amount, one.currency)}") for one in found]
        )

    @column("Outlook")
    def outlook(self, row: Invoice) -> str:
        """What happens to it by itself."""
        if row.total < 0 and row.status == InvoiceStatus.PAID:
            return "Credit: lowers the next invoices"
        if stands := OUTLOOKS.get(row.status) or OUTLOOKS.get(row.collection):
            return stands
        if row.next_payment_attempt_at and row.amount_remaining:
            return f"Will be tried again {show.day(row.next_payment_attempt_at)}"
        if row.amount_remaining and row.attempt_count:
            return "Will not be tried again"
        return f"Paid {show.day(row.paid_at)}" if row.paid_at else show.NOTHING

    @column("Lines")
    def lines_table(self, row: Invoice) -> SafeString:
        """Each line, and what they come to."""
        totals = [
            ("Discount", -row.discount if row.discount else 0),
            ("Tax", row.tax),
            ("Total", row.total),
            *wording.invoice_credits(row),
            ("Due", row.amount_due if row.amount_due != row.total else 0),
            ("Paid", row.amount_paid),
            ("Still to pay", row.amount_remaining),
            ("Credited after payment", -row.post_payment_credit_notes_amount),
        ]
        lines = [(line["description"], line["amount"]) for line in row.lines]
        shown = [*lines, *(pair for pair in totals if pair[1] or pair[0] == "Total")]
        rows = [(text, Money(amount, row.currency)) for text, amount in shown]
        return format_html(
            '<table class="staff-table">{}</table>',
            format_html_join("", "<tr><td>{}</td><td>{}</td></tr>", rows),
        )

    @column("Subscription")
    def subscription_link(self, row: Invoice) -> SafeString | str:
        """Link to the subscription."""
        return show.link(row.subscription, "The membership") if row.subscription else show.NOTHING

    @column("Payments")
    def payments(self, row: Invoice) -> SafeString | str:
        """Links to each try to pay it."""
        found = row.payments.prefetch_related("disputes")[:SHOWN]
        return show.links(
            [
                (
                    show.page_of(one),
                    f"{show.money(one.amount, one.currency)}, {received.state(one).lower()}",
                )
                for one in found
            ]
        )

    @column("Refunds")
    def refunds(self, row: Invoice) -> SafeString | str:
        """Links to each refund of its payments."""
        return refunds_of(Refund.objects.filter(payment__invoice=row))

    def is_refundable(self, request: HttpRequest, object_id: Any) -> bool:
        """Whether somebody else has paid it, and something is left of that."""
        paid = Payment.objects.filter(status=PaymentStatus.SUCCEEDED, invoice=object_id)
        rows = list(paid.exclude(customer__user=request.user.pk).select_related("invoice"))
        return any(found.left for found in refund_terms.facts_of_all(rows).values())

    @recently_signed_in
    @button(
        "Refund",
        icon="undo",
        path=refund_giving.PATH,
        permission="give",
        question="Refund this invoice?",
        explanation=(
            "Its newest payment goes back first, then the one before it. From the policy's amount"
            " on somebody else has to agree."
        ),
        form=GiveOnInvoiceForm,
        is_primary=False,
    )
    def give_on_invoice(
        self, request: HttpRequest, form: GiveOnInvoiceForm, object_id: str
    ) -> HttpResponse:
        """Refund it without a request."""
        row, actor = row_or_404(Invoice, object_id), current_user(request)
        return self.give_refund(
            request,
            form,
            row,
            lambda: refunds.give_on_invoice(row.pk, actor, form.wish()),
            self.give_on_invoice,
        )

    @column("Documents")
    def documents(self, row: Invoice) -> SafeString | str:
        """Stripe's page and PDF."""
        pairs = [(row.hosted_url, "Stripe's page for the member"), (row.pdf_url, "PDF")]
        return show.links([(url, text) for url, text in pairs if url])


@admin.register(Payment)
class PaymentAdmin(GivesRefunds, MoneyListAdmin, StripeCopyAdmin):
    """What members paid, or tried to."""

    stripe_path = "payments"
    actions_detail = ["open_in_stripe", "give"]
    search_fields = ["stripe_id__startswith"]
    search_help_text = "Name, e-mail address, phone number or pi_…: how it begins"
    nothing = "Nobody has paid yet."
    list_display = [
        "who", "asked", "came", "went_back", "state", "day_paid", "card_short", "problem",
    ]  # fmt: skip
    list_filter = [
        ("status", titled(ChoicesDropdownFilter, "state")),
        ("paid_at", by_day("day paid")),
        ("created_at", by_day("day made")),
    ]
    sums = {
        "Received": Sum("amount_received"),
        "Refunded": Sum("amount_refunded"),
    }
    export_columns = exports.PAYMENT_COLUMNS
    fieldsets = [
        (None, {
            "fields": [
                "state", "member", "asked", "came", "refunded", "returned", "net",
                "what_for", "card",
            ],
        }),
        ("Dates", {"fields": ["made", "paid"]}),
        ("If it failed", {"fields": ["problem", "failure_code", "failure_message"]}),
        ("Belongs together", {
            "fields": [
                "customer_link", "invoice_link", "refunds", "disputes", "receipt", "events",
            ],
        }),
        ("Copy of Stripe's record", {"fields": ["stripe_id", "charge_id", "read"]}),
    ]  # fmt: skip

    link_lookups = frozenset({"customer__id__exact"})

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Each payment with its disputes: one more query for a whole page."""
        rows: Rows = super().get_queryset(request)
        return rows.prefetch_related("disputes")

    def add_up(self, rows: Rows) -> list[SumOfCurrency]:
        """Add up what came, what went back by refunds and by disputes, and what is left."""
        found, returned = super().add_up(rows), received.returned_of(rows)
        return [_less_returned(one, returned.get(one.currency.lower(), 0)) for one in found]

    def palette_title(self, row: Payment) -> str:
        """Whose, how much and when."""
        return f"{show.name_of(row.customer.user)}: {_on_day(row.amount, row)}"

    @column("State", ordering="status")
    def state(self, row: Payment) -> SafeString:
        """What has become of it, in its colour."""
        return show.badge(*labels.payment(row))

    @column("Asked", ordering="amount")
    def asked(self, row: Payment) -> str:
        """What was to be paid, as text."""
        return show.money(row.amount, row.currency)

    @column("Received", ordering="amount_received")
    def came(self, row: Payment) -> str:
        """What came: nothing of a try that failed."""
        return show.money_or_dash(row.amount_received, row.currency)

    @column("Went back", ordering="amount_refunded")
    def went_back(self, row: Payment) -> str:
        """What was refunded, or taken back by the bank."""
        return show.money_or_dash(row.amount_refunded + received.returned(row), row.currency)

    @column("Refunded")
    def refunded(self, row: Payment) -> str:
        """What was refunded."""
        return show.money_or_dash(row.amount_refunded, row.currency)

    @column(received.RETURNED)
    def returned(self, row: Payment) -> str:
        """What the bank took back, by a dispute that was lost."""
        return show.money_or_dash(received.returned(row), row.currency)

    @column("Net")
    def net(self, row: Payment) -> str:
        """What is left of it."""
        return show.money(received.net(row), row.currency)

    @column("For")
    def what_for(self, row: Payment) -> str:
        """What it pays, in the member's words: Stripe's are "Subscription creation"."""
        return descriptions.of_one(row)

    @column("Made", ordering="created_at")
    def made(self, row: Payment) -> str:
        """The day of the first try."""
        return show.day(row.created_at)

    @column("Paid on", ordering="paid_at")
    def day_paid(self, row: Payment) -> SafeString:
        """The day on which the money was here."""
        return show.one_line(show.day(row.paid_at))

    @column("Card")
    def card_short(self, row: Payment) -> SafeString:
        """ "Visa 4242"."""
        return show.one_line(wording.card_short(row.card_brand, row.card_last4) or show.NOTHING)

    def export_rows(self, rows: Rows) -> Iterator[list[str]]:
        """As a bookkeeper wants them."""
        return exports.payments(rows)

    @column("Paid")
    def paid(self, row: Payment) -> str:
        """When it went through."""
        return show.moment(row.paid_at)

    @column("Problem")
    def problem(self, row: Payment) -> str:
        """Why it failed, as the member reads it."""
        return (
            wording.failure(row.failure_code, row.card_brand) if row.failure_code else show.NOTHING
        )

    @column("Invoice")
    def invoice_link(self, row: Payment) -> SafeString | str:
        """Link to the invoice."""
        return show.link(row.invoice)

    @column("Refunds")
    def refunds(self, row: Payment) -> SafeString | str:
        """Links to each refund of it."""
        return refunds_of(Refund.objects.filter(payment=row))

    def is_refundable(self, request: HttpRequest, object_id: Any) -> bool:
        """Whether somebody else has paid it, and something is left of that."""
        paid = Payment.objects.filter(status=PaymentStatus.SUCCEEDED, pk=object_id)
        rows = list(paid.exclude(customer__user=request.user.pk).select_related("invoice"))
        return any(found.left for found in refund_terms.facts_of_all(rows).values())

    @recently_signed_in
    @button(
        "Refund",
        icon="undo",
        path=refund_giving.PATH,
        permission="give",
        question="Refund this payment?",
        explanation=(
            "Nobody has to have asked for it, and the policy's days don't count. From the policy's"
            " amount on somebody else has to agree."
        ),
        form=GiveOnPaymentForm,
        is_primary=False,
    )
    def give(self, request: HttpRequest, form: GiveOnPaymentForm, object_id: str) -> HttpResponse:
        """Refund it without a request."""
        row, actor = row_or_404(Payment, object_id), current_user(request)
        return self.give_refund(
            request, form, row, lambda: [refunds.give(row.pk, actor, form.wish())], self.give
        )

    @column("Disputes")
    def disputes(self, row: Payment) -> SafeString | str:
        """Links to each dispute of it."""
        return show.links(_disputes(row))

    @column("Receipt")
    def receipt(self, row: Payment) -> SafeString | str:
        """Stripe's receipt."""
        return show.links([(row.receipt_url, "Stripe's receipt")] if row.receipt_url else [])


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    """What is on sale, as last read from Stripe."""

    stripe_path = "prices"
    search_fields = ["name__istartswith", "stripe_id__startswith"]
    list_display = ["name", "price", "trial", "on_sale", "read", "stripe_id"]
    actions_detail = ["open_in_stripe"]
    fieldsets = [
        (None, {"fields": ["name", "price", "trial", "on_sale", "description"]}),
        ("Copy of Stripe's record", {"fields": ["stripe_id", "product_id", "read"]}),
    ]

    @column("Price", ordering="amount")
    def price(self, row: Plan) -> str:
        """ "$29.00 a month"."""
        every = wording.interval(row.interval, row.interval_count)
        return f"{show.money(row.amount, row.currency)} a {every}"

    @column("Trial")
    def trial(self, row: Plan) -> str:
        """ "14 days"."""
        return f"{row.trial_days} days" if row.trial_days else "None"

    @column("On sale", boolean=True, ordering="active")
    def on_sale(self, row: Plan) -> bool:
        """Whether Stripe still sells it."""
        return row.active

    @column("Last read from Stripe", ordering="read_at")
    def read(self, row: Plan) -> str:
        """When the row was last known to be right."""
        return show.moment(row.read_at)


@admin.register(Checkout)
class CheckoutAdmin(ReadOnlyAdmin):
    """Visits to Stripe Checkout: who set out to pay what, and how far they came."""

    person_field = "customer_id"
    search_fields = ["session_id__startswith"]
    search_help_text = "Name, e-mail address, phone number or cs_…: how it begins"
    list_display = ["who", "what", "state_badge", "started", "came_back", "session_id"]
    list_select_related = ["customer__user"]
    list_filter = [("state", ChoicesDropdownFilter), ("created_at", by_day("day started"))]
    fieldsets = [
        (None, {"fields": ["state_badge", "member", "what", "started", "came_back", "expires"]}),
        ("Belongs together", {"fields": ["request_link", "payment_link"]}),
        ("At Stripe", {"fields": ["session_id", "price_id"]}),
    ]

    @column("Member", header=True)
    def who(self, row: Checkout) -> list[str]:
        """Name over e-mail address."""
        return [show.name_of(row.customer.user), row.customer.user.email]

    @column("Member")
    def member(self, row: Checkout) -> SafeString | str:
        """Link to the member."""
        return show.member(row.customer.user)

    @column("State", ordering="state")
    def state_badge(self, row: Checkout) -> SafeString:
        """How far it came."""
        return show.state(row, "state", labels.CHECKOUT)

    @column("For", ordering="purpose")
    def what(self, row: Checkout) -> str:
        """The membership, or what is paid once."""
        if row.amount is None:
            return str(row.get_purpose_display())
        return f"{show.money(row.amount, row.currency)}: {row.description}"

    @column("Payment request")
    def request_link(self, row: Checkout) -> SafeString | str:
        """Link to the request that it pays."""
        return show.link(row.request)

    @column("Payment")
    def payment_link(self, row: Checkout) -> SafeString | str:
        """Link to the payment that came of it."""
        return show.link(row.payment)

    @column("Started", ordering="created_at")
    def started(self, row: Checkout) -> str:
        """When the member set out."""
        return show.moment(row.created_at)

    @column("Came back having paid")
    def came_back(self, row: Checkout) -> str:
        """When the member was back."""
        return show.moment(row.returned_at)

    @column("Expires")
    def expires(self, row: Checkout) -> str:
        """When Stripe closes the session."""
        return show.moment(row.expires_at)


@admin.register(MembershipDecision)
class MembershipDecisionAdmin(ReadOnlyAdmin):
    """Who cancelled or came back, and why."""

    person_field = "customer_id"
    search_help_text = "Name, e-mail address or phone number: how it begins"
    list_display = ["who", "what", "why", "words", "state_badge", "decided", "actor_name"]
    list_select_related = ["customer__user", "actor"]
    list_filter = [
        ("action", ChoicesDropdownFilter),
        ("reason", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("created_at", by_day("day decided")),
    ]
    link_lookups = frozenset({"offer__id__exact"})
    fieldsets = [
        (None, {"fields": ["state_badge", "member", "what", "why", "comment"]}),
        ("Who and when", {"fields": ["actor_link", "decided", "confirmed"]}),
        ("Belongs together", {"fields": ["subscription_link"]}),
    ]
    details = {
        MembershipAction.SWITCH: ("The switch", ["new_price", "shown_amount", "prorated"]),
        MembershipAction.STAY: ("The offer", ["offer_link", "coupon_id", "discount_id"]),
    }

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Add what belongs to this kind of decision only."""
        action = MembershipAction(obj.action) if obj else None
        if action not in self.details:
            return self.fieldsets
        title, names = self.details[action]
        return [self.fieldsets[0], (title, {"fields": names}), *self.fieldsets[1:]]

    @column("Member", header=True)
    def who(self, row: MembershipDecision) -> list[str]:
        """Name over e-mail address."""
        return [show.name_of(row.customer.user), row.customer.user.email]

    @column("Member")
    def member(self, row: MembershipDecision) -> SafeString | str:
        """Link to the member."""
        return show.member(row.customer.user)

    @column("What", ordering="action")
    def what(self, row: MembershipDecision) -> str:
        """Cancel, resume, switch or cancel now."""
        return row.get_action_display()

    @column("Why", ordering="reason")
    def why(self, row: MembershipDecision) -> str:
        """The reason in the words that the member chose."""
        return dict(REASONS).get(CancellationReason(row.reason), "") if row.reason else show.NOTHING

    @column("Offer")
    def offer_link(self, row: MembershipDecision) -> SafeString | str:
        """Link to the offer that made the member stay."""
        return show.link(row.offer)

    @column("To")
    def new_price(self, row: MembershipDecision) -> str:
        """ "$290.00 a year"."""
        plan = Plan.objects.filter(stripe_id=row.price_id).first() if row.price_id else None
        if plan is None:
            return row.price_id or show.NOTHING
        every = wording.interval(plan.interval, plan.interval_count)
        return f"{show.money(plan.amount, plan.currency)} a {every}"

    @column("The member was shown to pay")
    def shown_amount(self, row: MembershipDecision) -> str:
        """What the preview came to."""
        return show.money(row.amount, row.currency) if row.currency else show.NOTHING

    @column("Counted from")
    def prorated(self, row: MembershipDecision) -> str:
        """The second of the preview."""
        return show.moment(row.prorated_at)

    @column("In their own words")
    def words(self, row: MembershipDecision) -> str:
        """The comment's beginning."""
        return row.comment[:SHORT] or show.NOTHING

    @column("State", ordering="state")
    def state_badge(self, row: MembershipDecision) -> SafeString:
        """Whether Stripe shows it."""
        return show.state(row, "state", labels.DECISION)

    @column("Decided", ordering="created_at")
    def decided(self, row: MembershipDecision) -> str:
        """When."""
        return show.moment(row.created_at)

    @column("Confirmed by Stripe")
    def confirmed(self, row: MembershipDecision) -> str:
        """When Stripe's subscription showed it."""
        return show.moment(row.confirmed_at)

    @column("By")
    def actor_name(self, row: MembershipDecision) -> str:
        """The member, or who of the staff."""
        return show.name_of(row.actor)

    @column("By")
    def actor_link(self, row: MembershipDecision) -> SafeString | str:
        """Link to them."""
        return show.member(row.actor)

    @column("Subscription")
    def subscription_link(self, row: MembershipDecision) -> SafeString | str:
        """Link to the subscription."""
        return show.link(row.subscription)


def _all(model: str, customer: Customer) -> tuple[str, str]:
    return show.list_of(model, customer__id__exact=customer.pk), "All"


def _disputes(row: Customer | Payment) -> list[tuple[str, str]]:
    return [
        (
            show.page_of(one),
            f"{show.money(one.amount, one.currency)}, {labels.dispute(one).lower()}",
        )
        for one in row.disputes.all()[:SHOWN]
    ]


def _on_day(amount: int, row: Invoice | Payment) -> str:
    return f"{show.money(amount, row.currency)} on {show.day(row.created_at)}"


def _less_returned(found: SumOfCurrency, returned: int) -> SumOfCurrency:
    """Add what banks took back, where there is any, and what is left."""
    amounts = {words: money.amount for words, money in found.amounts}
    if returned:
        amounts["Returned by banks"] = returned
    amounts["Net"] = amounts["Received"] - amounts["Refunded"] - returned
    named = [(words, Money(amount, found.currency)) for words, amount in amounts.items()]
    return SumOfCurrency(found.currency, found.count, named)

"""Subscriptions: who is a member, and until when."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import OuterRef, Subquery
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RadioFilter

from billing.admin import labels, numbers_pages, price_buttons
from billing.admin.copies import SHOWN, Rows, StripeCopyAdmin, on_day
from billing.admin.membership_buttons import why_fewer
from billing.admin.price_buttons import PriceButtons
from billing.admin.two_memberships import TwoMembershipsPages
from billing.core import texts
from billing.core.statuses import (
    LIVE_SUBSCRIPTION,
    UNPAID_SUBSCRIPTION,
    InvoiceStatus,
)
from billing.facts import also_billed, credit, discounts, paid_periods
from billing.membership import by_staff, cancellation
from billing.models import Invoice, Subscription
from billing.models.subscription import IS_PAUSED, RENEWS
from billing.sync import taxing
from common.staff import show
from common.staff.filters import by_day, titled
from common.staff.parts import button, column, row_of_buttons, row_or_404
from members.access import current_user


def balance(row: Subscription) -> str:
    """Return "$23.09, used by the next charges", or the debt on the balance."""
    if amount := credit.of(row):
        return f"{amount}, used by the next charges"
    return f"None; {row.money_balance} is open" if row.balance else show.NOTHING


def _next_try(row: Any) -> str:
    """Say when Stripe retries the unpaid invoice (`retry_at`), and whether it ends.

    A subscription that's ending still has to pay what's open.
    """
    again = row.retry_at and f"Payment retry {show.day(row.retry_at)}"
    due = row.is_sent and row.due_at and f"Invoice was due {show.day(row.due_at)}"
    end = row.ends_at and f"ends {show.day(row.ends_at)}"
    return ", ".join(filter(None, [again or due or "No retry scheduled", end]))


class PausedFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Memberships whose payments are paused."""

    title = "payments"
    parameter_name = "paused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("yes", "Paused"), ("no", "Collected")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep the live ones that are paused, or not."""
        if self.value() == "yes":
            return queryset.filter(IS_PAUSED, status__in=LIVE_SUBSCRIPTION)
        live = queryset.filter(status__in=LIVE_SUBSCRIPTION)
        return live.exclude(IS_PAUSED) if self.value() == "no" else queryset


class KindFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Memberships, or other subscriptions."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("membership", "Memberships"), ("other", "Also billed")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep one kind."""
        if not self.value():
            return queryset
        return queryset.filter(is_membership=self.value() == "membership")


class EndingFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Memberships that will renew, or end before that."""

    title = "ending"
    parameter_name = "ending"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("yes", "Ending"), ("no", "Going on")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep the live ones that won't renew, or that will."""
        live = queryset.filter(status__in=LIVE_SUBSCRIPTION)
        if self.value() == "yes":
            return live.exclude(RENEWS)
        return live.filter(RENEWS) if self.value() == "no" else queryset


class UntaxedFilter(RadioFilter):  # type: ignore[misc]  # Unfold ships no types
    """Memberships whose tax Stripe switched off for lack of a location."""

    title = "tax"
    parameter_name = "untaxed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer those."""
        return [("yes", "Address missing")]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        """Keep the live ones that are charged without tax."""
        if self.value() != "yes":
            return queryset
        return queryset.filter(pk__in=taxing.untaxed().values("pk"))


@admin.register(Subscription)
class SubscriptionAdmin(PriceButtons, TwoMembershipsPages, StripeCopyAdmin):
    """Memberships, and what else members are billed for."""

    stripe_path = "subscriptions"
    search_fields = ["stripe_id__startswith"]
    search_help_text = "Part of a name or email address, phone number, or sub_…"
    list_display = ["who", "what", "price", "state", "next_step", "card_short", "since"]
    list_filter = [
        KindFilter,
        ("status", titled(ChoicesDropdownFilter, "state")),
        EndingFilter,
        PausedFilter,
        UntaxedFilter,
        ("has_free_time", BooleanRadioFilter),
        ("started_at", by_day("day begun")),
        ("current_period_end", by_day("end of the period paid for")),
    ]
    fieldsets = [
        (None, {
            "fields": [
                "state", "member", "what", "price", "tax", "holds", "discount", "credit",
                "next_step", "planned", "collected", "card", "card_expiry", "not_now",
            ],
        }),
        ("Dates", {"fields": ["since", "period", "trial", "canceled", "ended"]}),
        ("Belongs together", {"fields": ["customer_link", "decisions", "invoices", "events"]}),
        ("Copy of Stripe's record", {"fields": ["stripe_id", "price_id", "end_reason", "read"]}),
    ]  # fmt: skip
    actions_detail: ClassVar[list[Any]] = [
        *("open_in_stripe", "see_both", "end_now"),
        {"title": "Change", "icon": "edit_calendar", "items": price_buttons.BUTTONS},
    ]

    def get_queryset(self, request: HttpRequest) -> Rows:
        """Add when Stripe next tries to collect the oldest open invoice, and when it's due."""
        unpaid = Invoice.objects.filter(
            subscription=OuterRef("pk"), status=InvoiceStatus.OPEN, amount_remaining__gt=0
        )
        oldest = unpaid.order_by("created_at")
        rows: Rows = super().get_queryset(request)
        annotated: Rows = rows.annotate(
            retry_at=Subquery(oldest.values("next_payment_attempt_at")[:1]),
            due_at=Subquery(oldest.values("due_at")[:1]),
        )
        return annotated

    def get_fieldsets(self, request: HttpRequest, obj: Subscription | None = None) -> Any:
        """Show what's planned, and which buttons that takes away, only if there's something."""
        fieldsets = super().get_fieldsets(request, obj)
        may = request.user.has_perm(by_staff.MAY_CHANGE)
        has = {
            "planned": obj is not None and bool(labels.planned(obj)),
            "not_now": obj is not None and may and bool(why_fewer(obj)),
        }
        return [
            (title, {**options, "fields": [one for one in options["fields"] if has.get(one, True)]})
            for title, options in fieldsets
        ]

    def has_end_now_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may end a membership immediately, and it isn't over."""
        if not request.user.has_perm(cancellation.MAY_END_NOW):
            return False
        if not str(object_id).isdecimal():
            return True
        row = row_of_buttons(request, Subscription, str(object_id))
        return row is not None and row.is_live

    def get_urls(self) -> list[URLPattern]:
        """Add the pages of the rows behind the business's numbers."""
        return [*numbers_pages.urls(self), *super().get_urls()]

    @button(
        "End now",
        icon="cancel",
        path="end-now",
        permission="end_now",
        question="End this subscription now?",
        explanation=(
            "It ends right away, with everything it holds. You can't undo it, and nothing is"
            " refunded. The member is told of a membership's end, not of other subscriptions'. To"
            " end a membership with its period, let the member cancel it."
        ),
    )
    def end_now(self, request: HttpRequest, _form: Form, object_id: str) -> HttpResponse:
        """End the membership."""
        row = row_or_404(Subscription, object_id)
        try:
            cancellation.cancel_now(row, current_user(request))
        except cancellation.MembershipError as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, row, "Ended at once.")
            told = " The member will be told." if row.is_membership else ""
            messages.success(request, f"{row.name or 'The subscription'} has ended.{told}")
        return redirect(show.page_of(row))

    def palette_title(self, row: Subscription) -> str:
        """Whose it is, and its state, which together identify a subscription."""
        return str(row)

    @column("State", ordering="status")
    def state(self, row: Subscription) -> SafeString:
        """Stripe's status in its color."""
        return show.badge(*labels.subscription(row))

    @column("For", ordering="name")
    def what(self, row: Subscription) -> str:
        """The membership, or what else is billed."""
        kind = "" if row.is_membership else " (not a membership)"
        return f"{row.name or show.NOTHING}{kind}"

    @column("Price", ordering="amount")
    def price(self, row: Subscription) -> str:
        """ "$29.00 a month, plus tax"."""
        return also_billed.price_of(row)

    @column("Items")
    def holds(self, row: Subscription) -> str:
        """Each item with its price, if there are several."""
        parts = also_billed.parts_of(row)
        return "; ".join(f"{one.title}: {one.price}" for one in parts) or show.NOTHING

    @column("What is next", ordering="current_period_end")
    def next_step(self, row: Subscription) -> str:
        """When it's charged, ends, or ended; if unpaid, when Stripe retries."""
        if not row.is_live:
            return f"Ended {show.day(row.ended_at)}" if row.ended_at else show.NOTHING
        if row.status in UNPAID_SUBSCRIPTION:
            return _next_try(row)
        return labels.next_step(row)

    @column("Collection")
    def collected(self, row: Subscription) -> str:
        """How it's paid, and what a pause does with its invoices."""
        how = "By card, charged automatically"
        if row.is_sent:
            how = f"By invoice, due after {row.days_until_due or 0} days"
        pause = labels.PAUSES.get(row.pause_behavior or "", "")
        return f"{how}. {pause}" if pause else how

    @column("Tax")
    def tax(self, row: Subscription) -> str:
        """Who calculates tax, or what keeps Stripe from it."""
        if row.tax_problem:
            return (
                "Switched off by Stripe, which can't tell where the member is. Set the customer's "
                "billing address in Stripe: tax is added again within the hour."
            )
        return "By Stripe Tax" if row.tax_is_automatic else show.NOTHING

    @column("Discount")
    def discount(self, row: Subscription) -> str:
        """ "20% off until March 4"."""
        return "; ".join(map(str, discounts.in_words(row))) or show.NOTHING

    @column("Credit")
    def credit(self, row: Subscription) -> str:
        """The credit or debt on the member's balance."""
        return balance(row)

    @column("Planned")
    def planned(self, row: Subscription) -> str:
        """Which price comes next, and when."""
        return labels.planned(row)

    @column("Not possible now")
    def not_now(self, row: Subscription) -> str:
        """Which buttons are missing, and what to do first."""
        return why_fewer(row)

    @column("Card")
    def card_short(self, row: Subscription) -> SafeString:
        """ "Visa 4242"."""
        return show.one_line(texts.card_short(row.card_brand, row.card_last4) or show.NOTHING)

    @column("Card expires")
    def card_expiry(self, row: Subscription) -> str:
        """ "12/2030"."""
        return texts.card_expiry(row.card_expires) or show.NOTHING

    @column("Since", ordering="started_at")
    def since(self, row: Subscription) -> SafeString:
        """The day it began."""
        return show.one_line(show.day(row.started_at))

    @column("Paid for")
    def period(self, row: Subscription) -> str:
        """What was paid for last; free time comes after it."""
        period = paid_periods.paid_for(row)
        return f"{show.day(period.start)} to {show.day(period.end)}" if period else "Nothing yet"

    @column("Trial until")
    def trial(self, row: Subscription) -> str:
        """The trial's end."""
        if row.has_free_time:
            return f"{show.moment(row.trial_end)}, free time given by staff"
        again = ", a second one of the same person" if row.is_second_trial else ""
        return f"{show.moment(row.trial_end)}{again}"

    @column("Canceled")
    def canceled(self, row: Subscription) -> str:
        """When it was canceled, which may be before its end."""
        return show.moment(row.canceled_at)

    @column("Ended")
    def ended(self, row: Subscription) -> str:
        """When it ended."""
        return show.moment(row.ended_at)

    @column("Decisions")
    def decisions(self, row: Subscription) -> SafeString | str:
        """Links to the decisions about it."""
        return show.links(
            [
                (show.page_of(one), f"{labels.decided(one)} on {show.day(one.created_at)}")
                for one in row.decisions.all()[:SHOWN]
            ]
        )

    @column("Invoices")
    def invoices(self, row: Subscription) -> SafeString | str:
        """Links to the newest, and to the full list."""
        links = [
            (
                show.page_of(one),
                on_day(one),
            )
            for one in row.invoices.all()[:SHOWN]
        ]
        everything = show.list_of("billing.invoice", subscription__id__exact=row.pk)
        return show.links([*links, (everything, "All")] if links else [])

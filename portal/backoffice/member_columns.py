"""What the list of members and a member's page say about them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import RadioFilter

from billing.admin import labels, trials
from billing.admin.subscriptions import balance
from billing.facts import memberships
from billing.models import Customer, Subscription
from common.staff import show
from common.staff.parts import column
from members import access_changes
from portal.models import ClosingState


class MembershipFilter(RadioFilter):  # type: ignore[misc]
    """Users who are members now, and those who aren't."""

    title = "membership"
    parameter_name = "membership"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("yes", "Member now"), ("no", "Not a member")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those with a live membership, or without."""
        live = Subscription.objects.memberships().live()
        members = live.order_by().values("customer__user")
        if self.value() == "yes":
            return queryset.filter(pk__in=members)
        return queryset.exclude(pk__in=members) if self.value() == "no" else queryset


class MemberColumns:
    """Columns of the list, and fields of the page."""

    @column("Member", header=True, ordering="first_name")
    def who(self, row: User) -> list[str]:
        """Name over email address."""
        return [show.name_of(row), row.email]

    @column("State")
    def membership(self, row: User) -> SafeString | str:
        """The state of the relevant membership: a live one, or else the newest."""
        current = _current(row)
        return show.badge(*labels.subscription(current)) if current else show.NOTHING

    @column("Credit")
    def credit(self, row: User) -> str:
        """Their balance at Stripe."""
        current = _current(row)
        return balance(current) if current else show.NOTHING

    @column("Free trial")
    def trial(self, row: User) -> str:
        """When the trial was used, or why none is offered."""
        return trials.of_member(row)

    @column("Phone")
    def phone(self, row: User) -> str:
        """The number."""
        return str(row.member.phone) or show.NOTHING

    @column("Joined", ordering="date_joined")
    def joined(self, row: User) -> str:
        """The day they signed up."""
        return show.day(row.date_joined)

    @column("Last signed in", ordering="last_login")
    def seen(self, row: User) -> str:
        """How long ago."""
        return show.age(row.last_login)

    @column("Agreed to terms")
    def terms(self, row: User) -> SafeString | str:
        """Each version with date and place, linked to its record."""
        return show.links(
            [
                (
                    show.page_of(one),
                    f"{one.version} on {show.day(one.happened_at)}, {one.get_where_display()}",
                )
                for one in row.terms_accepted.all()
            ]
        )

    @column("Closing")
    def closing(self, row: User) -> SafeString | str:
        """When the account is to be closed, and what holds that up; or what became of it."""
        plan = next(iter(row.planned_closings.all()), None)
        if plan is None:
            return show.NOTHING
        if plan.state == ClosingState.PLANNED:
            day = show.day(plan.closes_at)
            badge = show.badge(_("Closes on %(day)s") % {"day": day}, "warning")
            by = f"({show.name_of(plan.planned_by)}: {plan.reason})" if plan.planned_by else ""
            return format_html("{} {} {}", badge, by, plan.held_because)
        by = f" ({show.name_of(plan.ended_by)})" if plan.ended_by else ""
        return f"{plan.get_state_display()}{by}, {show.moment(plan.ended_at)}"

    @column("Role", ordering="is_staff")
    def role(self, row: User) -> SafeString | str:
        """The roles of somebody on the team; nothing for everyone else."""
        if not row.is_active:
            return show.badge("Switched off", "danger")
        if row.is_superuser:
            return show.badge("Superuser", "warning")
        if not row.is_staff:
            return show.NOTHING
        names = ", ".join(sorted(one.name for one in row.groups.all()))
        return show.badge(names or "No role", "info")

    @column("Can sign in", boolean=True)
    def signs_in(self, row: User) -> bool:
        """Whether the account is active."""
        return row.is_active

    @column("Can open the staff site", boolean=True)
    def opens_staff_site(self, row: User) -> bool:
        """Whether it's a staff account."""
        return row.is_staff

    @column("Owner", boolean=True)
    def is_owner(self, row: User) -> bool:
        """Whether it decides on the team."""
        return access_changes.is_owner(row)

    @column("Groups")
    def group_names(self, row: User) -> str:
        """The names of its groups."""
        return ", ".join(row.groups.values_list("name", flat=True)) or show.NOTHING

    @column("Customer at Stripe")
    def customer_link(self, row: User) -> SafeString | str:
        """Links to the customers, newest first."""
        return show.links(
            [
                (
                    show.page_of(one),
                    f"{one.stripe_id}{_deleted(one)}, since {show.day(one.created_at)}",
                )
                for one in row.customers.all()
            ]
        )

    @column("Webhook events")
    def events(self, row: User) -> SafeString | str:
        """Links to all events about them, for each of their customers."""
        customers = list(row.customers.all())
        return show.links(
            [
                (
                    show.list_of("billing.stripeevent", customer_id=one.stripe_id),
                    f"All events{f' of {one.stripe_id}' if len(customers) > 1 else ''}",
                )
                for one in customers
            ]
        )


def _current(row: User) -> Subscription | None:
    """Return the relevant membership: a live one, or else the newest."""
    held = [one for customer in row.customers.all() for one in customer.subscriptions.all()]
    return memberships.that_counts(held)


def _deleted(customer: Customer) -> str:
    return " (deleted at Stripe)" if customer.deleted_at_stripe else ""

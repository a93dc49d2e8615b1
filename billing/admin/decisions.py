"""Decisions about memberships, by members and staff."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from billing.admin import labels
from billing.admin.records import RecordAdmin
from billing.core import rhythms
from billing.core.statuses import CancellationReason, MembershipAction
from billing.models import MembershipDecision, Plan
from billing.pages.forms import REASONS
from common.staff import show
from common.staff.filters import by_day
from common.staff.parts import column

SHORT = 90


@admin.register(MembershipDecision)
class MembershipDecisionAdmin(RecordAdmin):
    """Who canceled or came back, and why."""

    person_field = "customer_id"
    search_help_text = "Part of a name or email address, or a phone number"
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
        MembershipAction.PLAN: ("The planned price", ["new_price", "ends"]),
        MembershipAction.STAY: ("The offer", ["offer_link", "coupon_id", "discount_id"]),
        MembershipAction.EXTEND: ("The free trial", ["ends"]),
        MembershipAction.DISCOUNT: ("The discount", ["coupon_id"]),
        MembershipAction.FREE: ("The free time", ["ends"]),
        MembershipAction.PAUSE: ("The pause", ["resumes", "meanwhile"]),
    }

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Add the fields for this kind of decision."""
        action = MembershipAction(obj.action) if obj else None
        if action not in self.details:
            return self.fieldsets
        title, names = self.details[action]
        return [self.fieldsets[0], (title, {"fields": names}), *self.fieldsets[1:]]

    @column("Member", header=True)
    def who(self, row: MembershipDecision) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.customer.user), row.customer.user.email]

    @column("Member")
    def member(self, row: MembershipDecision) -> SafeString | str:
        """Link to the member."""
        return show.member(row.customer.user)

    @column("What", ordering="action")
    def what(self, row: MembershipDecision) -> str:
        """Cancel, resume, switch, or cancel now."""
        return labels.decided(row)

    @column("Why", ordering="reason")
    def why(self, row: MembershipDecision) -> str:
        """The reason that the member chose."""
        if not row.reason:
            return show.NOTHING
        return str(dict(REASONS).get(CancellationReason(row.reason), ""))

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
        every = rhythms.interval(plan.interval, plan.interval_count)
        return f"{plan.money} a {every}"

    @column("The member was shown to pay")
    def shown_amount(self, row: MembershipDecision) -> str:
        """The amount in the preview."""
        return show.money(row.amount, row.currency) if row.currency else show.NOTHING

    @column("Ends")
    def ends(self, row: MembershipDecision) -> str:
        """When an extended trial or free time ends."""
        return show.moment(row.until)

    @column("Payments resume")
    def resumes(self, row: MembershipDecision) -> str:
        """When a pause ends."""
        return show.moment(row.until) if row.until else "When staff say so"

    @column("Meanwhile")
    def meanwhile(self, row: MembershipDecision) -> str:
        """What becomes of new invoices."""
        return labels.PAUSES.get(row.pause_behavior, show.NOTHING)

    @column("Counted from")
    def prorated(self, row: MembershipDecision) -> str:
        """The second of the preview."""
        return show.moment(row.prorated_at)

    @column("In their own words")
    def words(self, row: MembershipDecision) -> str:
        """The beginning of the comment."""
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
        """The member, or the staff member."""
        return show.name_of(row.actor)

    @column("By")
    def actor_link(self, row: MembershipDecision) -> SafeString | str:
        """Link to them."""
        return show.member(row.actor)

    @column("Subscription")
    def subscription_link(self, row: MembershipDecision) -> SafeString | str:
        """Link to the subscription."""
        return show.link(row.subscription)

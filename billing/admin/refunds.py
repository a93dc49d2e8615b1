"""Refunds on the staff site: what was asked for, decided and sent, and the proof of it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from billing.admin import labels
from billing.models import LedgerCheck, Refund, RefundEntry, RefundPolicy
from portal.staff import show
from portal.staff.parts import column
from portal.staff.read_only import ReadOnlyAdmin


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Every refund."""

    person_field = "customer_id"
    search_fields = ["stripe_id__startswith"]
    list_select_related = ["customer__user", "payment"]
    list_display = ["who", "cost", "state_badge", "age", "stripe_id"]

    @column("Member", header=True)
    def who(self, row: Refund) -> list[str]:
        """Name over e-mail address."""
        user = row.customer.user
        return [show.name_of(user), user.email]

    @column("Amount", ordering="amount")
    def cost(self, row: Refund) -> str:
        """The amount as text."""
        return str(row.money)

    @column("State", ordering="state")
    def state_badge(self, row: Refund) -> SafeString:
        """What has become of it."""
        return show.state(row, "state", labels.REFUND)

    @column("Asked", ordering="created_at")
    def age(self, row: Refund) -> SafeString:
        """How long ago."""
        return show.when(row.created_at)


@admin.register(RefundEntry)
class RefundEntryAdmin(ReadOnlyAdmin):
    """The ledger."""

    list_display = ["number", "at", "action", "actor_name", "amount", "to_state"]
    list_select_related = ["refund"]
    ordering = ["-number"]


@admin.register(RefundPolicy)
class RefundPolicyAdmin(ReadOnlyAdmin):
    """The versions of the policy."""

    list_display = ["version", "created_at", "created_by", "note"]


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin):
    """What verifications found."""

    list_display = ["started_at", "__str__", "entries"]

"""The refund policy on the staff site: its versions in words, and a new one."""

from __future__ import annotations

from django.contrib import admin

from billing.models import RefundPolicy
from portal.staff.read_only import ReadOnlyAdmin


@admin.register(RefundPolicy)
class RefundPolicyAdmin(ReadOnlyAdmin):
    """The versions of the policy."""

    list_display = ["version", "created_at", "created_by", "note"]

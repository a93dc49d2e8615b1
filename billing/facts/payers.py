"""Which of a member's Stripe customers pays for their next purchase."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef

from billing.models import Customer, Subscription


def living(user: User) -> Customer | None:
    """Return the live membership's customer, or else the newest undeleted one."""
    live = Subscription.objects.memberships().live().filter(customer=OuterRef("pk"))
    rows = Customer.objects.filter(user=user, deleted_at_stripe=False)
    return rows.order_by(Exists(live).desc(), "-created_at", "-pk").first()

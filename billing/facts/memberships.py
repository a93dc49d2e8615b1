"""Which subscriptions are memberships, and which one of a member's counts.

A subscription to any price of a product that is the plan, or once was, is a membership; whatever
else Stripe charges a member for ("Locker rental") is not. Rows say so in a column, which is
updated when the plan's products or their names change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from billing.core import subscription_items
from billing.facts import plans
from billing.models import Product, Subscription
from billing.models.locks import lock_member
from billing.models.subscription import RENEWS, SubscriptionQuerySet


def live(user: User) -> list[Subscription]:
    """Return the user's live memberships, the one that counts first.

    There should be at most one, but more can be made in Stripe's dashboard.
    """
    return ranked(Subscription.objects.for_user(user).memberships().live())


def ranked(rows: Iterable[Subscription]) -> list[Subscription]:
    """Return memberships, most relevant first: live before ended, continuing before ending.

    Ties go to the newest. Other subscriptions are left out.
    """
    mine = [row for row in rows if row.is_membership]
    mine.sort(key=lambda row: (row.started_at, row.pk), reverse=True)
    return sorted(mine, key=_rank)


def _rank(row: Subscription) -> tuple[bool, bool, bool]:
    """Of live ones, first who goes on, then who still renews, then who ends with its period."""
    is_live = row.is_live
    return not is_live, is_live and row.ends_with_period, is_live and row.ends_at is not None


def that_counts(rows: Iterable[Subscription]) -> Subscription | None:
    """Return the relevant membership among them: a live one, or else the newest."""
    return next(iter(ranked(rows)), None)


def current(user: User) -> Subscription | None:
    """Return the relevant live membership."""
    return next(iter(live(user)), None)


def latest(user: User) -> Subscription | None:
    """Return the relevant live membership, or else the one that began last."""
    return that_counts(Subscription.objects.for_user(user))


def paid_twice() -> QuerySet[Any, Any]:
    """Return the users (`customer__user`) with several memberships that will renew.

    One that ends several renewals from now is charged until then.
    """
    rows = Subscription.objects.memberships().live().filter(RENEWS)
    going_on = rows.order_by().values("customer__user")
    return going_on.annotate(count=Count("*")).filter(count__gt=1)


def tell_anew() -> int:
    """Recompute what depends on rows' items after the plan or a name changed.

    Nothing is announced, since nothing happened to the subscriptions. Returns the number of changed
    rows.
    """
    changed = 0
    for pk, user_id in _outdated().values_list("pk", "customer__user_id"):
        with transaction.atomic():
            lock_member(user_id)
            row = Subscription.objects.get(pk=pk)
            columns = subscription_items.columns(
                row.parts, plans.product_ids(), plans.product_names()
            )
            changed += Subscription.objects.filter(pk=pk).update(**columns)
    return changed


def _outdated() -> SubscriptionQuerySet:
    """Return the rows whose columns no longer match their items."""
    is_plan = Q(pk__in=[])
    for product_id in plans.product_ids():
        is_plan |= Q(items__contains=[{"product_id": product_id}])
    wrong = (is_plan & Q(is_membership=False)) | (~is_plan & Q(is_membership=True))
    for product_id, name in Product.objects.exclude(name="").values_list("stripe_id", "name"):
        named = Q(items__contains=[{"product_id": product_id, "name": name}])
        wrong |= Q(items__contains=[{"product_id": product_id}]) & ~named
    return Subscription.objects.exclude(items=[]).filter(wrong)

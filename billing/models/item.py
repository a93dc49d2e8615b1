"""Something with a fixed price that members pay for once: a workshop, a key, a mat."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.money import Money
from common.reads import Person


class ItemQuerySet(models.QuerySet["Item"]):
    """Items."""

    def for_user(self, user: Person) -> Self:
        """Only what is on sale to this user: the one door to items on a member's pages."""
        theirs = Item.members.through.objects.filter(user=user).values("item_id")
        offered = Q(for_everybody=True) | Q(pk__in=theirs)
        return self.filter(offered, is_active=True)


class Item(models.Model):
    """Something staff sell besides the membership. Amounts are minor units."""

    name = models.CharField(max_length=200, help_text="What members read: Workshop fee, 12 May.")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    is_active = models.BooleanField("on sale", default=True)
    for_everybody = models.BooleanField(
        default=False, help_text="Every member may pay it, once; else only those below."
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="offered_items"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="billing_item_has_a_price"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def price(self) -> Money:
        """What it costs."""
        return Money(self.amount, self.currency)

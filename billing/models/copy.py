"""What every copy of a Stripe object has in common."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self, TypeVar

from django.db import models

from common.reads import Person

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


def choices(states: type[StrEnum], words: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Return Django's choices of a pure enumeration: `past_due` reads "Past due", or our words."""
    chosen = words or {}
    return [
        (state.value, chosen.get(state.value, state.value.replace("_", " ").capitalize()))
        for state in states
    ]


class StripeCopy(models.Model):
    """A row that repeats an object of Stripe's and can always be read again.

    `read_at` is the database's time at which the read that this row shows began. A write from an
    older read yields, so two re-reads can't overtake each other.
    """

    stripe_id = models.CharField("Stripe id", max_length=255, unique=True)
    read_at = models.DateTimeField("last read from Stripe")

    class Meta:
        abstract = True


class MemberRecordQuerySet(models.QuerySet[Row_co]):
    """Rows that belong to one member, through their Stripe customer."""

    def for_user(self, user: Person) -> Self:
        """Only this user's rows: the one door to a member's records."""
        return self.filter(customer__user=user)

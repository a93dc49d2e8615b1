"""What single rows add to a sum of the books, so that the sum can open them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Model

# A row by its kind and its primary key.
Cause = tuple[type[Model], int]


@dataclass(frozen=True)
class Portion:
    """What a row adds to a sum, in minor units, and when it moved."""

    cause: Cause
    at: datetime
    amount: int

"""Values from Stripe, fitted to their columns (pure)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from billing.core import limits


@dataclass(frozen=True)
class Fitted:
    """A value whose texts fit their columns (see `billing.core.limits`)."""

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, str | list):
                fitting = limits.fitted(type(self).__name__, part.name, value)
                object.__setattr__(self, part.name, fitting)

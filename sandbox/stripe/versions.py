"""API versions: which ones the sandbox supports, and their order.

Stripe's documentation, "API versioning": a version is a date, and since 2024 also a name. Only
breaking changes belong to versions; new fields appear in all of them.
"""

from __future__ import annotations

import re

from sandbox.stripe.errors import ApiError

CURRENT = "2026-10-28.endive"
SPOKEN = (
    *("2020-08-27", "2022-08-01", "2022-11-15", "2023-08-16", "2023-10-16"),
    *("2024-04-10", "2024-06-20", "2024-09-30.acacia", "2024-10-28.acacia", "2024-11-20.acacia"),
    *("2024-12-18.acacia", "2025-01-27.acacia", "2025-02-24.acacia", "2025-03-31.basil"),
    *("2025-04-30.basil", "2025-05-28.basil", "2025-06-30.basil", "2025-07-30.basil"),
    *("2025-08-27.basil", "2025-09-30.clover", "2025-10-29.clover", "2025-11-17.clover"),
    *("2025-12-15.clover", "2026-01-28.clover", "2026-02-25.clover", "2026-03-25.dahlia"),
    *("2026-04-22.dahlia", "2026-05-27.dahlia", "2026-06-24.dahlia", "2026-07-29.dahlia"),
    *("2026-08-26.dahlia", "2026-09-30.endive", CURRENT),
)
"""Those whose shapes are known, the oldest first."""
_DAY = re.compile(r"20(1[1-9]|20)-\d\d-\d\d")
# The dates of breaking changes.
NO_OLD_CHARGES = "2022-08-01"
NO_LISTS_INSIDE = "2022-11-15"
BASIL = "2025-03-31"
CLOVER = "2025-09-30"
DAHLIA = "2026-03-25"


def is_before(version: str, day: str) -> bool:
    """Whether a version is older than a date."""
    return version[:10] < day


def check(version: str) -> str:
    """The version with this name. Raises ApiError if it isn't supported."""
    if version in SPOKEN:
        return version
    message = f"Invalid Stripe API version: {version}."
    if _DAY.fullmatch(version) and version < SPOKEN[0]:
        message += f" This sandbox speaks versions from {SPOKEN[0]} on."
    else:
        message += f" The latest version is {CURRENT}."
    raise ApiError(400, "invalid_request_error", message)

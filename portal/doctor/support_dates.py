"""How long the software under the portal gets security fixes.

The projects' own pages are devguide.python.org/versions, djangoproject.com/download, and
postgresql.org/support/versioning; the dates are as endoflife.date had them in November 2026. Where
only a month is known, it's the month's last day.
"""

from __future__ import annotations

from datetime import date

PYTHON = {
    (3, 11): date(2027, 10, 31),
    (3, 12): date(2028, 10, 31),
    (3, 13): date(2029, 10, 31),
    (3, 14): date(2030, 10, 31),
}
DJANGO = {(5, 2): date(2028, 4, 30), (6, 0): date(2027, 4, 30)}
POSTGRES = {
    14: date(2026, 11, 12),
    15: date(2027, 11, 11),
    16: date(2028, 11, 9),
    17: date(2029, 11, 8),
    18: date(2030, 11, 14),
}

"""`manage.py check --deploy`: what is left to set before members come."""

from __future__ import annotations

import os
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004  (Django's name)

from portal import start_checks


@register(Tags.security, deploy=True)
def settings_are_complete(**_options: Any) -> list[CheckMessage]:
    """Warn of each setting that is missing or half set; the warning's id names the setting."""
    return [
        Warning(remark, id=f"portal.{remark.split()[0]}")
        for remark in start_checks.remarks(os.environ)
    ]

"""Checks of the settings: email addresses always, the rest with `check --deploy`."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import (
    CheckMessage,
    Error,
    Tags,
    Warning,  # noqa: A004  (Django's name)
    register,
)

from common import addresses, documents
from members import places
from portal import start_checks

WITH_NAME = frozenset({"DEFAULT_FROM_EMAIL", "SERVER_EMAIL"})


@register(Tags.security, deploy=True)
def settings_are_complete(**_options: Any) -> list[CheckMessage]:
    """Warn about each missing or incomplete setting; the warning's ID names it."""
    return [
        Warning(remark.sentence, id=f"portal.{remark.setting}")
        for remark in start_checks.remarks(os.environ)
    ]


@register(Tags.security, deploy=True)
def heads_can_be_written(**_options: Any) -> list[CheckMessage]:
    """Warn if the refund ledger's proof can't be written: the nightly check would fail."""
    file = Path(settings.LEDGER_HEADS_FILE) if settings.LEDGER_HEADS_FILE else None
    if file is None or os.access(file if file.exists() else file.parent, os.W_OK):
        return []
    text = f"LEDGER_HEADS_FILE can't be written: {file} needs a folder that {_user()} may write to."
    return [Warning(text, id="portal.LEDGER_HEADS_FILE")]


@register("places")
def places_can_be_read(**_options: Any) -> list[CheckMessage]:
    """Warn if the database of places is missing or damaged: pages would silently lack them."""
    problem = places.check(settings.GEOIP_PATH) if settings.GEOIP_PATH else ""
    return [Warning(problem, id="portal.GEOIP_PATH")] if problem else []


@register(Tags.security, deploy=True)
def uploads_can_be_written(**_options: Any) -> list[CheckMessage]:
    """Warn if staff's pictures can't be kept: the form says so only when someone uploads one."""
    if settings.UPLOADS_S3_BUCKET:
        return []
    folder = Path(settings.UPLOADS_DIR)
    # It's made with the first picture.
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if there.is_dir() and os.access(there, os.W_OK):
        return []
    text = f"UPLOADS_DIR can't be written: {folder} must be a folder that {_user()} may write to."
    return [Warning(text, id="portal.UPLOADS_DIR")]


@register("documents")
def documents_have_fonts(**_options: Any) -> list[CheckMessage]:
    """Warn if names would be boxes in PDFs."""
    return [
        Warning(
            f"PDFs show boxes for {scripts}: their fonts are missing.",
            hint="Install requirements.txt again; it has them.",
            id="portal.fonts",
        )
        for scripts in documents.missing_scripts()
    ]


def _user() -> str:
    try:
        return f"the user {pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:
        return f"the user {os.geteuid()}"


@register("email")
def addresses_are_addresses(**_options: Any) -> list[CheckMessage]:
    """Refuse our own addresses that can't send or receive mail, with a sentence for each."""
    wrong = [
        (name, f"{name} {reason}")
        for name in ("DEFAULT_FROM_EMAIL", "SERVER_EMAIL", "SUPPORT_EMAIL")
        if (reason := addresses.fault(getattr(settings, name), may_have_name=name in WITH_NAME))
    ]
    wrong += [
        ("STAFF_EMAIL", f"STAFF_EMAIL has {address!r}, which {reason}")
        for address in settings.STAFF_EMAIL
        if (reason := addresses.fault(address))
    ]
    return [Error(sentence, id=f"portal.{setting}") for setting, sentence in wrong]

"""Use cases: a copy of all of a member's data is asked for, made, fetched, and deleted.

The member's row is locked while one is asked for, so two tabs don't make two. The file is kept in
the database, in parts: a disk may be read-only, or belong to one process of several.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import BinaryIO, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from billing.models.locks import lock_member
from common.links import portal_url
from emails import outbox
from portal.models import EXPORT_KEPT, DataExport, DataExportPart, ExportState
from portal.selfservice import data_file
from portal.selfservice.contexts import DataReady
from portal.selfservice.jobs import JobName

logger = logging.getLogger(__name__)

MOST_A_DAY = 3
# A file with fifty years of payments has a few megabytes.
LARGEST = 200 * 1024 * 1024
ENOUGH = gettext_lazy("You’ve asked for several copies today. You can ask again tomorrow.")


class ExportRefused(Exception):
    """A copy can't be made now; the text is for the member or for staff."""


class TooLarge(Exception):
    """A copy has become larger than we store."""


@transaction.atomic
def ask(user: User, asked_by: User | None = None) -> DataExport:
    """Have a copy of a member's data made, or return the one that's being made.

    `asked_by` is a colleague who does it for them.

    Raises:
        ExportRefused: there were enough today, or there's nowhere to write to.
    """
    lock_member(user.pk)
    mine = DataExport.objects.filter(user=user)
    if waiting := mine.waiting().first():
        # Its job may be lost: of one that waits, there's only one.
        _enqueue(waiting)
        return waiting
    if mine.since(timezone.now() - timedelta(days=1)).count() >= MOST_A_DAY:
        raise ExportRefused(ENOUGH)
    if not user.email or not user.is_active:
        raise ExportRefused(_("This account is closed, or has no email address."))
    export = DataExport.objects.create(user=user, asked_by=asked_by)
    logger.info("A copy of the data of user %s was asked for.", user.pk)
    _enqueue(export)
    return export


def _enqueue(export: DataExport) -> None:
    deferrer = app.configure_task(JobName.MAKE_EXPORT, queueing_lock=f"export:{export.pk}")
    try:
        with transaction.atomic():
            deferrer.defer(export_id=str(export.pk))
    except AlreadyEnqueued:
        return


@transaction.atomic
def make(export_id: UUID) -> None:
    """Make a copy and email its member. Running it again makes it only once.

    Raises:
        TooLarge: it's larger than we store.
    """
    export = DataExport.objects.select_for_update().filter(pk=export_id).first()
    if export is None or export.state != ExportState.WAITING:
        return
    now = timezone.now()
    sink = data_file.Parts(_Store(export))
    data_file.write(export.user, now, sink)
    export.state, export.size = ExportState.READY, sink.size
    export.made_at, export.expires_at = now, now + EXPORT_KEPT
    export.save()
    outbox.put(
        export.user,
        DataReady(
            until=export.expires_at,
            by_staff=export.asked_by_id is not None,
            url=portal_url("selfservice:data"),
        ),
        cause=f"export_{export.pk}",
        happened_at=now,
        good_until=export.expires_at,
    )


def fail(export_id: UUID) -> None:
    """Record that a copy couldn't be made, so that its member can ask again."""
    DataExport.objects.filter(pk=export_id).waiting().update(state=ExportState.FAILED)


class _Store:
    """Stores a file's parts, up to the largest size."""

    def __init__(self, export: DataExport) -> None:
        self._export, self._count = export, 0

    def __call__(self, content: bytes) -> None:
        if self._count * data_file.PART >= LARGEST:
            raise TooLarge(f"The data of user {self._export.user_id} is too large to be stored.")
        DataExportPart.objects.create(export=self._export, number=self._count, content=content)
        self._count += 1


def of(user: User) -> list[DataExport]:
    """Return a member's copies that are being made, can be fetched, or failed; newest first."""
    now = timezone.now()
    rows = DataExport.objects.filter(user=user)
    return [one for one in rows[:10] if one.expires_at is None or one.expires_at > now]


def fetch(user: User, export_id: UUID) -> DataExport | None:
    """Return one of the member's own copies that can be fetched, and note that it was."""
    now = timezone.now()
    rows = DataExport.objects.filter(user=user, pk=export_id).ready(now)
    if not rows.update(fetched_at=now):
        return None
    logger.info("User %s downloads a copy of their data.", user.pk)
    return rows.first()


def content(export: DataExport) -> Iterator[bytes]:
    """Yield a copy's file, one part in memory at a time."""
    numbers = DataExportPart.objects.filter(export=export).order_by("number")
    for pk in numbers.values_list("pk", flat=True):
        part = DataExportPart.objects.filter(pk=pk).first()
        if part is None:
            return
        yield bytes(part.content)


def print_to(user: User, file: BinaryIO) -> None:
    """Write a member's data to a file, for staff at the command line."""
    sink = data_file.Parts(lambda content: cast(None, file.write(content)))
    data_file.write(user, timezone.now(), sink)


def forget_old() -> None:
    """Delete copies that are no longer kept."""
    DataExport.objects.all().old(timezone.now()).delete()

"""Delete what the frameworks keep about people: staff's log, sessions, jobs, and the cache."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

from allauth.usersessions.models import UserSession
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Model, QuerySet
from django.utils import timezone

from common.logs import anonymous
from common.staff import changes
from common.traces import Traces

logger = logging.getLogger(__name__)

CLOSED = "A closed account"
# How a row leads to its user.
OWNERS = {"user": "user", "customer": "customer__user", "member": "member__user"}
FINISHED = ["succeeded", "failed", "cancelled", "aborted"]
DELETE_NAMING = """
    DELETE FROM procrastinate_jobs WHERE status::text = ANY(%s)
    AND strpos(lower(concat_ws(' ', lock, queueing_lock, args::text)), lower(%s)) > 0
"""
UNLOCK_NAMING = "UPDATE procrastinate_jobs SET lock = NULL WHERE strpos(lower(lock), lower(%s)) > 0"
OLD = """
    FROM procrastinate_jobs AS job WHERE status::text = ANY(%s)
    AND (SELECT max(at) FROM procrastinate_events WHERE job_id = job.id) < %s
"""
DELETE_OLD, COUNT_OLD = f"DELETE {OLD}", f"SELECT count(*) {OLD}"


def forget_log(user: User, traces: Traces) -> None:
    """Remove a user who leaves from staff's log; what was done, when, and by whom stays."""
    for kind, ids in _rows_of(user):
        entries = LogEntry.objects.filter(content_type=kind, object_id__in=ids)
        for entry in entries.iterator():
            # Entries about them may hold old contact data that no row has anymore.
            said = changes.without_values(entry.change_message)
            _blot(entry, CLOSED, anonymous(traces.scrub(said)))
    for entry in traces.rows(LogEntry.objects.all(), "object_repr", "change_message").iterator():
        _blot(entry, traces.scrub(entry.object_repr), traces.scrub(entry.change_message))


def _blot(entry: LogEntry, name: str, message: str) -> None:
    LogEntry.objects.filter(pk=entry.pk).update(object_repr=name, change_message=message)


def _rows_of(user: User) -> Iterator[tuple[ContentType, list[str]]]:
    """Yield a user's rows, by type."""
    yield ContentType.objects.get_for_model(User), [str(user.pk)]
    for model in apps.get_models():
        owner = next((OWNERS[name] for name in OWNERS if _leads_to_owner(model, name)), None)
        if owner:
            rows: QuerySet[Any] = model._default_manager.filter(**{owner: user})
            ids = [str(pk) for pk in rows.values_list("pk", flat=True)]
            yield ContentType.objects.get_for_model(model), ids


def _leads_to_owner(model: type[Model], name: str) -> bool:
    field = {one.name: one for one in model._meta.get_fields()}.get(name)
    target = getattr(field, "related_model", None) if field and field.concrete else None
    return target is not None and target._meta.label in {
        "auth.User",
        "billing.Customer",
        "members.Member",
    }


def forget_sessions(user: User, traces: Traces) -> int:
    """Delete a user's sessions, and those that name them: half a sign-in, a pending code."""
    count = 0
    for session in Session.objects.iterator():
        contents = session.get_decoded()
        if contents.get("_auth_user_id") == str(user.pk) or traces.are_in(_as_text(contents)):
            session.delete()
            count += 1
    return count


def _as_text(contents: dict[str, Any]) -> str:
    return json.dumps(contents, ensure_ascii=False, default=str)


def forget_jobs(traces: Traces) -> None:
    """Remove addresses and numbers from jobs of earlier versions."""
    with connection.cursor() as cursor:
        for trace in traces.anywhere:
            cursor.execute(DELETE_NAMING, [FINISHED, trace])
            cursor.execute(UNLOCK_NAMING, [trace])


# Every night


def forget_old_jobs(kept: timedelta) -> int:
    """Delete jobs that ended in any way longer ago than that; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(DELETE_OLD, [FINISHED, timezone.now() - kept])
        return int(cursor.rowcount)


def count_old_jobs(kept: timedelta) -> int:
    """Return how many jobs would be deleted if they were kept this long."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_OLD, [FINISHED, timezone.now() - kept])
        return int(cursor.fetchone()[0])


def forget_ended_sessions() -> None:
    """Delete expired sessions, allauth's records of them, and expired cache rows."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    living = Session.objects.values("session_key")
    UserSession.objects.exclude(session_key__in=living).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM portal_cache WHERE expires < now()")

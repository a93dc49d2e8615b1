"""Read-only lists of the queue's jobs, problems, and staff's actions."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.utils.safestring import SafeString
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from common.staff import changes, show
from common.staff.filters import by_day, titled
from common.staff.parts import column
from common.staff.read_only import ReadOnlyAdmin
from members import search
from portal.models import Problem

admin.site.unregister(ProcrastinateJob)
admin.site.empty_value_display = show.NOTHING

JOBS = {
    "todo": ("Waiting", "info"),
    "doing": ("Running", "primary"),
    "succeeded": ("Done", "success"),
    "failed": ("Failed", "danger"),
    "cancelled": ("Canceled", ""),
    "aborted": ("Aborted", ""),
}
DOINGS = {ADDITION: ("Added", "success"), CHANGE: ("Did", "info"), DELETION: ("Deleted", "danger")}


@admin.register(ProcrastinateJob)
class JobAdmin(ReadOnlyAdmin):
    """The worker's jobs. Successful ones are removed; rows elsewhere hold the truth."""

    search_fields = ["task_name__startswith", "lock", "queueing_lock"]
    search_help_text = "How the task's name begins, or a whole lock"
    list_display = ["task_name", "state", "attempts", "due", "arguments", "lock"]
    list_filter = [
        ("status", titled(ChoicesDropdownFilter, "state")),
        ("scheduled_at", by_day("day due")),
    ]
    ordering = ["-id"]
    fieldsets = [
        (None, {"fields": ["task_name", "state", "attempts", "due", "arguments"]}),
        ("Order", {"fields": ["queue_name", "priority", "lock", "queueing_lock", "worker"]}),
        ("What happened", {"fields": ["history"]}),
    ]

    @column("State", ordering="status")
    def state(self, row: ProcrastinateJob) -> SafeString:
        """What has become of it."""
        return show.badge(*JOBS.get(row.status, (row.status, "")))

    @column("Due", ordering="scheduled_at")
    def due(self, row: ProcrastinateJob) -> str:
        """Now, or the time of the next try."""
        return show.moment(row.scheduled_at) if row.scheduled_at else "At once"

    @column("Arguments")
    def arguments(self, row: ProcrastinateJob) -> str:
        """Names and values: IDs, never secrets."""
        return ", ".join(f"{name}: {value}" for name, value in row.args.items()) or show.NOTHING

    @column("History")
    def history(self, row: ProcrastinateJob) -> SafeString | str:
        """Each step that the queue recorded."""
        steps = ProcrastinateEvent.objects.filter(job=row).order_by("pk")
        lines = [f"{show.moment(step.at)}: {step.type.replace('_', ' ')}" for step in steps]
        return show.pre("\n".join(lines))


@admin.register(Problem)
class ProblemAdmin(ReadOnlyAdmin):
    """Problems of the portal itself, and when they were solved."""

    list_display = ["what", "state", "seen", "solved"]
    list_filter = [("seen_at", by_day("day first seen"))]
    ordering = ["-id"]
    fieldsets = [(None, {"fields": ["what", "state", "remedy", "seen", "solved"]})]
    nothing = "No problems so far."

    @column("Problem")
    def what(self, row: Problem) -> str:
        """As staff were told."""
        return row.text

    @column("What to do")
    def remedy(self, row: Problem) -> SafeString | str:
        """Link to where it can be fixed, for as long as it lasts."""
        from portal.backoffice import problems  # noqa: PLC0415  (reads models of all apps)

        if row.solved_at:
            return show.NOTHING
        now = {one.key: one for one in problems.current()}
        one = now.get(row.key)
        return show.anchor(one.url, one.action) if one else "It’s gone, and closes by itself."

    @column("State")
    def state(self, row: Problem) -> SafeString:
        """Whether it's still open."""
        return show.badge("Solved", "success") if row.solved_at else show.badge("Open", "danger")

    @column("First seen", ordering="id")
    def seen(self, row: Problem) -> str:
        """When it was first seen."""
        return show.moment(row.seen_at)

    @column("Solved", ordering="solved_at")
    def solved(self, row: Problem) -> str:
        """When it was solved."""
        return show.moment(row.solved_at)


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """What staff did on this site: replays, resends, account changes."""

    person_field = "user_id"
    search_help_text = "The name or email address of somebody of the staff"
    search_fields = ["object_repr__startswith"]
    list_display = ["who", "did", "what", "said", "when"]
    list_select_related = ["user", "content_type"]
    list_filter = [("action_time", by_day("day"))]
    # Entries are never dated back, and Django has no index of their times.
    ordering = ["-id"]
    fieldsets = [(None, {"fields": ["actor", "did", "what", "said", "when"]})]

    def find_persons(self, term: str) -> list[int]:
        """Find the users who did it."""
        return search.people(term)

    @column("Who", header=True)
    def who(self, row: LogEntry) -> list[str]:
        """Name over email address."""
        return [show.name_of(row.user), row.user.email]

    @column("Who")
    def actor(self, row: LogEntry) -> SafeString | str:
        """Link to them."""
        return show.member(row.user)

    @column("Did")
    def did(self, row: LogEntry) -> SafeString:
        """Added, changed, or deleted."""
        return show.badge(*DOINGS.get(row.action_flag, ("Did", "")))

    @column("To what")
    def what(self, row: LogEntry) -> SafeString | str:
        """Link to the row, if it has a page."""
        address = row.get_admin_url()
        text = f"{row.content_type}: {row.object_repr}" if row.content_type else row.object_repr
        return show.anchor(address, text) if address else text

    @column("Namely")
    def said(self, row: LogEntry) -> str:
        """What was done, in words."""
        return changes.said(row) or show.NOTHING

    @column("When", ordering="action_time")
    def when(self, row: LogEntry) -> SafeString:
        """How long ago, and when."""
        return show.when(row.action_time)

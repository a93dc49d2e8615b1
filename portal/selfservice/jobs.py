"""Names of the jobs that this package enqueues; their functions are in `portal.tasks`."""

from enum import StrEnum


class JobName(StrEnum):
    """A job's name in the queue's rows. It stays the same, wherever its function moves."""

    MAKE_EXPORT = "portal.tasks.make_export"

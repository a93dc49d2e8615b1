"""Names of the jobs that this package enqueues; their functions are in `portal.tasks`."""

from enum import StrEnum


class JobName(StrEnum):
    """A job's name in the queue's rows. It stays the same, wherever its function moves."""

    RUN_DOCTOR = "portal.tasks.run_doctor"

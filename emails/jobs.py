"""Names of the jobs that this package enqueues before it knows their functions."""

from enum import StrEnum


class JobName(StrEnum):
    """A job's name in the queue's rows. It stays the same, wherever its function moves."""

    SAY_BY_THE_OTHER_CHANNEL = "emails.tasks_after.say_by_the_other_channel"
    TURN_OFF_EMAILS = "members.tasks.turn_off_emails"

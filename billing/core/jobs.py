"""The jobs that are enqueued by modules below `billing.tasks`, by name (pure)."""

from enum import StrEnum


class JobName(StrEnum):
    """A job as the queue's rows name it: that stays, wherever its function goes."""

    PROCESS_EVENT = "billing.tasks.process_event"
    READ_HISTORY = "billing.tasks.read_history"
    SEND_REFUND = "billing.tasks.send_refund"
    END_MEMBERSHIP_OF_REFUND = "billing.tasks.end_membership_of_refund"
    MAKE_CREDIT_NOTE = "billing.tasks.make_credit_note"

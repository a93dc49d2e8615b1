"""Names of the jobs that modules below `billing.tasks` enqueue (pure)."""

from enum import StrEnum


class JobName(StrEnum):
    """A job's name in the queue's rows. It stays the same, wherever its function moves."""

    PROCESS_EVENT = "billing.tasks.process_event"
    READ_HISTORY = "billing.tasks.read_history"
    SEND_REFUND = "billing.tasks.send_refund"
    END_MEMBERSHIP_OF_REFUND = "billing.tasks.end_membership_of_refund"
    MAKE_CREDIT_NOTE = "billing.tasks.make_credit_note"
    BOOK_ZELLE = "billing.tasks.book_zelle"
    TAKE_BACK_ZELLE = "billing.tasks.take_back_zelle"
    READ_BALANCE = "billing.tasks.read_balance"
    PROVE_REFUND = "billing.tasks.prove_refund"
    REPLAY_EVENTS = "billing.tasks.replay_events"

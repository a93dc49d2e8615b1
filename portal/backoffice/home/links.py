"""The lists that home leads to."""

from __future__ import annotations

from common.staff import show


def subscriptions(**filters: str) -> str:
    """Return the address of the memberships, filtered."""
    return show.list_of("billing.subscription", kind="membership", **filters)


def events(**filters: str) -> str:
    """Return the address of Stripe's events, filtered."""
    return _rows_of("billing.stripeevent", filters)


def messages(**filters: str) -> str:
    """Return the address of messages, filtered."""
    return _rows_of("emails.message", filters)


def checks() -> str:
    """Return the address of the checks for missed events."""
    return show.all_of("billing.reconciliation")


def jobs(**filters: str) -> str:
    """Return the address of the queue's jobs, filtered."""
    return _rows_of("procrastinate.procrastinatejob", filters)


def overdue_invoices() -> str:
    """Return the address of the invoices that weren't paid in time."""
    return show.list_of("billing.invoice", to_pay="overdue")


def _rows_of(model: str, filters: dict[str, str]) -> str:
    return show.list_of(model, **filters) if filters else show.all_of(model)

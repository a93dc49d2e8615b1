"""The buttons on a member's page, in groups: only those that this staff member may press now.

Some belong to the list of members, others to a row such as the membership; wherever they belong,
they ask first, and their own list decides who may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from billing.admin import invoice_buttons, price_buttons
from billing.admin.membership_buttons import why_fewer
from billing.membership import by_staff
from billing.models import Invoice, Payment, Subscription
from common.money import Money as Amount
from portal.backoffice.member_page.facts import MemberFacts, Money


@dataclass(frozen=True)
class Action:
    """A button that leads to a question, or to a page of its own."""

    title: str
    icon: str
    url: str
    is_dialog: bool

    @property
    def attrs(self) -> dict[str, str]:
        """What makes Unfold ask in a dialog; without JavaScript it's a page."""
        if not self.is_dialog:
            return {}
        return {
            "hx-get": self.url,
            "hx-target": "#modal-content",
            "hx-select": "#dialog",
            "x-on:htmx:after-on-load": "openModal = true",
        }


@dataclass(frozen=True)
class Group:
    """Buttons about one thing."""

    title: str
    actions: tuple[Action, ...]
    # Why some aren't there, in a sentence.
    note: str = ""


OF_MONEY = ("ask_for_payment",)
OF_NOTES = ("add_note", "add_tag", "remove_tag")
OF_CONTACT = ("correct_email", "correct_phone")
OF_ACCOUNT = (
    *("view_as", "email_sign_in_link", "sign_out_everywhere", "prepare_data"),
    *("merge_second", "close_account", "stop_closing", "send_password_link", "change_access"),
)
OF_MEMBERSHIP = (*price_buttons.BUTTONS, "end_now")
OF_INVOICE = tuple(invoice_buttons.BUTTONS)
OF_DRAFT = tuple(invoice_buttons.OF_DRAFT)
OF_PAYMENT = ("give",)


def groups(request: HttpRequest, facts: MemberFacts, members: Any) -> tuple[Group, ...]:
    """Return the groups that have a button; `members` is the list of members."""
    money, user = facts.money, facts.user
    mine = _of(members, request, user.pk)
    membership = money.membership if money.membership and money.membership.is_live else None
    found = [
        Group("Money", (*_named(mine, OF_MONEY), *_refund(request, money.refundable))),
        Group(_unpaid(money), tuple(_on(request, _first(money.unpaid), Invoice, OF_INVOICE))),
        Group(_draft(money), tuple(_on(request, _first(money.drafts), Invoice, OF_DRAFT))),
        _membership(request, membership),
        Group("Notes", tuple(_named(mine, OF_NOTES))),
        Group("Contact", tuple(_named(mine, OF_CONTACT))),
        Group("Account", tuple(_named(mine, OF_ACCOUNT))),
    ]
    return tuple(one for one in found if one.actions)


def _membership(request: HttpRequest, row: Subscription | None) -> Group:
    actions = tuple(_on(request, row, Subscription, OF_MEMBERSHIP))
    may = row is not None and request.user.has_perm(by_staff.MAY_CHANGE)
    return Group("Membership", actions, why_fewer(row) if row and may else "")


def _first(rows: tuple[Invoice, ...]) -> Invoice | None:
    return next(iter(rows), None)


def _unpaid(money: Money) -> str:
    """Return "Invoice A-0001": the oldest unpaid one."""
    row = _first(money.unpaid)
    return f"Invoice {row.number}".strip() if row else "Invoice"


def _draft(money: Money) -> str:
    """Return "Draft of $29.00": the oldest one that was kept during a pause."""
    row = _first(money.drafts)
    return f"Draft of {Amount(row.total, row.currency)}" if row else "Draft"


def _refund(request: HttpRequest, row: Payment | None) -> Iterator[Action]:
    if row is None:
        return
    left = Amount(row.amount_received - row.amount_refunded, row.currency)
    for one in _on(request, row, Payment, OF_PAYMENT):
        yield replace(one, title=f"Refund up to {left}")


def _on(
    request: HttpRequest, row: Model | None, model: type[Model], names: Iterable[str]
) -> Iterator[Action]:
    if row is not None:
        yield from _named(_of(admin.site.get_model_admin(model), request, row.pk), names)


def _of(model_admin: Any, request: HttpRequest, pk: int) -> dict[str, Action]:
    """Return the buttons of a row that may be pressed now, by name."""
    opts = model_admin.opts
    prefix = f"{opts.app_label}_{opts.model_name}_"
    return {
        one.action_name.removeprefix(prefix): Action(
            title=str(one.description),
            icon=one.icon or "",
            url=reverse(f"admin:{one.action_name}", args=[pk]),
            is_dialog=one.dialog is not None,
        )
        for one in model_admin.get_actions_detail(request, str(pk))
    }


def _named(found: dict[str, Action], names: Iterable[str]) -> Iterator[Action]:
    return (found[name] for name in names if name in found)

"""The staff site's frame: sidebar with badges, tabs, environment label, account menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from billing.stripe import gateway
from common.context import current_brand
from members.access_changes import MAY_MANAGE
from portal.backoffice import waiting as waits
from portal.backoffice.colors import primary_scale
from portal.backoffice.waiting import Waiting

Badge = Callable[[Waiting], int]


@cache
def _address(model: str, page: str) -> str:
    """Return a page's address, which each page of the staff site asks for some dozens of."""
    return reverse(f"admin:{model.replace('.', '_')}_{page}")


@dataclass(frozen=True)
class Item:
    """A model's list, for people who may view it.

    `title` is the model's plural name, which the list, its breadcrumb, and its count show.
    """

    title: str
    model: str  # "billing.invoice"
    badge: Badge | None = None
    permission: str = ""  # if viewing takes a permission other than `view_…`
    page: str = "changelist"  # if it leads to another page of the model's

    @property
    def address(self) -> str:
        """Return the address that it leads to."""
        return _address(self.model, self.page)

    @property
    def list_address(self) -> str:
        """Return the address of its model's list, whichever page it leads to."""
        return _address(self.model, "changelist")

    def is_allowed(self, request: HttpRequest) -> bool:
        """Whether this staff member may open the list."""
        app, model = self.model.split(".")
        return request.user.has_perm(self.permission or f"{app}.view_{model}")

    def waiting(self, now: Waiting) -> int:
        """Return how many of its rows wait for somebody."""
        return self.badge(now) if self.badge else 0


@dataclass(frozen=True)
class Section:
    """An entry of the sidebar: a task of the business, with its lists as tabs."""

    title: str
    icon: str
    items: tuple[Item, ...]

    def allowed(self, request: HttpRequest) -> list[Item]:
        """Return what this staff member may open; the first is where the entry leads."""
        return [item for item in self.items if item.is_allowed(request)]

    def holds(self, address: str) -> bool:
        """Whether a page is of one of its lists."""
        return any(address.startswith(item.list_address) for item in self.items)


SECTIONS = (
    Section(
        "Members",
        "group",
        (
            Item("Members", "auth.user"),
            Item("Messages from members", "portal.supportmessage", lambda now: now.help.open),
            Item("Notes", "portal.staffnote"),
            Item("Account activity", "members.accountactivity"),
            Item("Sign-ins", "members.signin"),
            Item("User sessions", "usersessions.usersession"),
            Item("Devices", "members.device"),
            Item("Email addresses", "account.emailaddress"),
            Item("Phone codes sent", "members.phonecode"),
            Item("Text message consents", "members.smsconsentrecord"),
            Item("Terms accepted", "members.termsacceptance"),
        ),
    ),
    Section(
        "Memberships",
        "card_membership",
        (
            Item("Subscriptions", "billing.subscription"),
            Item("Members' decisions", "billing.membershipdecision"),
            Item("Plans", "billing.plan"),
            Item("Products", "billing.product"),
            Item("Customers", "billing.customer"),
            Item("Payment methods", "billing.paymentmethod"),
        ),
    ),
    Section(
        "Payments",
        "payments",
        (
            Item("Payments", "billing.payment"),
            Item("Invoices", "billing.invoice"),
            Item("Credit notes", "billing.creditnote"),
            Item("Payment requests", "billing.paymentrequest"),
            Item("Items", "billing.item"),
            Item("Checkouts", "billing.checkout"),
        ),
    ),
    Section(
        "Refunds",
        "undo",
        (
            Item("Refunds", "billing.refund", lambda now: now.refunds.waiting),
            Item("Refund policy versions", "billing.refundpolicy"),
            Item("Ledger entries", "billing.refundentry", permission="billing.audit_refund"),
            Item("Ledger checks", "billing.ledgercheck", permission="billing.audit_refund"),
        ),
    ),
    Section(
        "Disputes",
        "gavel",
        (
            Item("Disputes", "billing.dispute", lambda now: now.disputes.to_answer),
            Item("Fraud warnings", "billing.fraudwarning", lambda now: now.fraud.open),
        ),
    ),
    Section(
        "Offers and codes",
        "loyalty",
        (
            Item("Offers to stay", "billing.retentionoffer"),
            Item("Offers shown", "billing.retentionshowing"),
            Item("Promo codes", "billing.retentionoffer", page="codes"),
        ),
    ),
    Section(
        "Messages",
        "outgoing_mail",
        (
            Item("Messages", "emails.message", lambda now: now.messages.failed),
            Item("Statistics", "emails.message", page="statistics"),
            Item("Gallery", "emails.message", page="gallery"),
            Item("Suppressed addresses", "emails.suppression", lambda now: now.suppressed),
            Item("Bounce mailboxes", "emails.bouncemailbox"),
        ),
    ),
    Section(
        "Books",
        "account_balance_wallet",
        (
            Item("Months", "billing.balancetransaction", page="months"),
            Item("Payouts", "billing.payout"),
            Item("Balance transactions", "billing.balancetransaction"),
            Item("Accounts of the journal", "business.bookaccountsversion"),
        ),
    ),
    Section(
        "Bank",
        "account_balance",
        (
            Item(
                "Money to match", "billing.allocation", lambda now: now.bank.to_match, page="match"
            ),
            Item("Bank transfers", "billing.banktransfer"),
            Item("Zelle payments", "billing.expectedtransfer", lambda now: now.bank.not_booked),
            Item("Bank emails", "billing.bankmail", lambda now: now.bank.unseen),
            Item("Bank files", "billing.bankfile"),
            Item("Bank lines", "billing.bankline"),
            Item("Known payers", "billing.knownpayer"),
        ),
    ),
    Section(
        "Health",
        "monitor_heart",
        (
            Item("Problems", "portal.problem"),
            Item("Check-ups", "portal.diagnosis"),
            Item("Getting started", "portal.diagnosis", page="start"),
            Item("Webhook events", "billing.stripeevent", lambda now: now.events.failed),
            Item("Replays", "billing.replay"),
            Item("Missed-event checks", "billing.reconciliation"),
            Item("Ignored events", "billing.ignoredevents"),
            Item("Missing setup at Stripe", "billing.missingsetup"),
            Item("Unassigned customers", "billing.unassignedcustomer"),
            Item("Jobs", "procrastinate.procrastinatejob"),
        ),
    ),
    Section(
        "Settings",
        "settings",
        (
            Item("Brand", "business.brandversion"),
            Item("Time and place", "business.localeversion"),
            Item("Suggested amounts", "business.suggestionsversion"),
            Item("Quiet hours", "business.quiethoursversion"),
            Item("Attachments", "business.attachmentsversion"),
            Item("Retention", "business.retentionversion"),
            Item("Zelle terms", "billing.zelleterms"),
            Item("Bank accounts", "billing.bankaccount"),
            Item("Bank mailboxes", "billing.bankmailbox"),
            Item("Team", "portal.staffinvitation", permission=MAY_MANAGE, page="team"),
            Item("Invitations", "portal.staffinvitation", permission=MAY_MANAGE),
            Item("Groups", "auth.group"),
            Item("Access changes", "members.accesschange"),
            Item("Saved views", "portal.savedview"),
            Item("Staff actions", "admin.logentry"),
            Item("Downloads", "portal.download"),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sections that this staff member may open, each leading to its first list."""
    home = {"title": "Home", "icon": "home", "link": reverse("admin:index")}
    now = waiting(request)
    entries = [
        _entry(section, allowed, now) | {"active": section.holds(request.path)}
        for section in SECTIONS
        if (allowed := section.allowed(request))
    ]
    return [{"items": [home, *entries]}]


def tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the tabs over each list: the section's other lists, and how much waits in each.

    Only of the section that the page is in: Unfold compares the sidebar's entries with each tab.
    """
    now = waiting(request)
    return [
        {
            "models": sorted({item.model for item in section.items}),
            "page": section.title,
            "items": _tabs(allowed, now, _nearest(allowed, request.path)),
        }
        for section in SECTIONS
        if section.holds(request.path) and len(allowed := section.allowed(request)) > 1
    ]


def _tabs(items: list[Item], now: Waiting, active: Item | None) -> list[dict[str, Any]]:
    return [_tab(item, now, item is active) for item in items]


def place_of(address: str) -> str:
    """Return the section of the model whose list has this address; "" if it's in none."""
    for section in SECTIONS:
        if any(address == item.list_address for item in section.items):
            return section.title
    return ""


def waiting(request: HttpRequest) -> Waiting:
    """Count what waits and failed, once per request."""
    waiting = getattr(request, "_staff_waiting", None)
    if waiting is None:
        waiting = waits.waiting()
        request._staff_waiting = waiting  # type: ignore[attr-defined]  # noqa: SLF001
    return cast(Waiting, waiting)


def environment(_request: HttpRequest) -> list[str]:
    """Return a label that says whether the money is real, and its color."""
    if gateway.is_live_mode():
        return ["Live", "success"]
    if settings.STRIPE_API_BASE:
        return ["Sandbox", "info"]
    if settings.STRIPE_SECRET_KEY:
        return ["Test mode", "warning"]
    return ["Stripe not set up", "danger"]


def title_prefix(request: HttpRequest) -> str:
    """Mark the browser's tab if the money isn't real."""
    return "" if gateway.is_live_mode() else f"[{environment(request)[0]}]"


def account_links(_request: HttpRequest) -> list[dict[str, str]]:
    """Return the account menu's links: staff sign in as members do."""
    return [
        {"title": "My account", "link": reverse("members:account")},
        {"title": "Change my password", "link": reverse("account_change_password")},
    ]


def brand_name(_request: HttpRequest) -> str:
    """Return the business's name."""
    return current_brand().name


def brand_shades(_request: HttpRequest) -> dict[str, str]:
    """Return Unfold's scale of the brand's color."""
    return primary_scale(current_brand().color)


def brand_icon(_request: HttpRequest) -> str:
    """Return the logo's square; nothing if there's none, so a symbol is shown."""
    return current_brand().icon_url


def favicon(_request: HttpRequest) -> str:
    """Return the logo's square, or else the portal's own icon."""
    return current_brand().icon_url or static("icons/favicon.svg")


def stylesheet(_request: HttpRequest) -> str:
    """Return the stylesheet that our staff pages add to Unfold's."""
    return static("staff/staff.css")


def names_script(_request: HttpRequest) -> str:
    """Return the script that names Django's boxes that complete what's typed."""
    return static("staff/names.js")


def once_script(_request: HttpRequest) -> str:
    """Return the script that sends a form once if its button is pressed twice."""
    return static("staff/once.js")


def _entry(section: Section, allowed: list[Item], now: Waiting) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "title": section.title,
        "icon": section.icon,
        "link": allowed[0].address,
    }
    if count := sum(item.waiting(now) for item in allowed):
        entry |= {"badge": str(count), "badge_variant": "danger"}
    return entry


def _nearest(items: list[Item], path: str) -> Item | None:
    """Return the item that a page belongs to: the one whose own address goes furthest along."""
    reached = [
        (len(address), item.page == "changelist", place)
        for place, item in enumerate(items)
        for address in {item.address, item.list_address}
        if path.startswith(address)
    ]
    return items[max(reached)[-1]] if reached else None


def _tab(item: Item, now: Waiting, is_active: bool) -> dict[str, Any]:
    count = item.waiting(now)
    return {
        "title": f"{item.title} ({count})" if count else item.title,
        "link": item.address,
        "active": is_active,
    }

"""The staff site's frame: sidebar with badges, environment label, account menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from billing.stripe import gateway
from common.context import current_brand
from portal.backoffice import waiting as waits
from portal.backoffice.colors import primary_scale
from portal.backoffice.waiting import Waiting

Badge = Callable[[Waiting], int]


@dataclass(frozen=True)
class Item:
    """A sidebar link to a model's list, for people who may view it.

    `title` is the model's plural name, which the list, its breadcrumb, and its count show.
    """

    title: str
    icon: str
    model: str  # "billing.invoice"
    badge: Badge | None = None
    permission: str = ""  # if viewing takes a permission other than `view_…`
    page: str = "changelist"  # if it leads to another page of the model's

    @property
    def url_name(self) -> str:
        """Return the list's URL name."""
        return f"admin:{self.model.replace('.', '_')}_{self.page}"

    @property
    def list_name(self) -> str:
        """Return the URL name of its model's list, whichever page it leads to."""
        return f"admin:{self.model.replace('.', '_')}_changelist"

    def is_allowed(self, request: HttpRequest) -> bool:
        """Whether this staff member may open the list."""
        app, model = self.model.split(".")
        return request.user.has_perm(self.permission or f"{app}.view_{model}")


GROUPS: dict[str, list[Item]] = {
    "Members": [
        Item("Members", "group", "auth.user"),
        Item("Messages from members", "mail", "portal.supportmessage", lambda now: now.help.open),
        Item("Text message consents", "sms", "members.smsconsentrecord"),
        Item("Terms accepted", "contract", "members.termsacceptance"),
        Item("Sign-ins", "login", "members.signin"),
        Item("Account activity", "manage_history", "members.accountactivity"),
        Item("Access changes", "admin_panel_settings", "members.accesschange"),
        Item("Email addresses", "alternate_email", "account.emailaddress"),
    ],
    "Membership and money": [
        Item("Subscriptions", "card_membership", "billing.subscription"),
        Item("Members' decisions", "event_busy", "billing.membershipdecision"),
        Item("Offers to stay", "loyalty", "billing.retentionoffer"),
        Item("Invoices", "receipt_long", "billing.invoice"),
        Item("Credit notes", "receipt", "billing.creditnote"),
        Item("Payments", "payments", "billing.payment"),
        Item("Refunds", "undo", "billing.refund", lambda now: now.refunds.waiting),
        Item("Disputes", "gavel", "billing.dispute", lambda now: now.disputes.to_answer),
        Item("Payment requests", "request_quote", "billing.paymentrequest"),
        Item("Items", "storefront", "billing.item"),
        Item("Customers", "badge", "billing.customer"),
        Item("Payment methods", "credit_card", "billing.paymentmethod"),
        Item("Checkouts", "shopping_cart_checkout", "billing.checkout"),
        Item("Plans", "sell", "billing.plan"),
        Item("Products", "inventory_2", "billing.product"),
    ],
    "Refunds": [
        Item("Refund policy versions", "policy", "billing.refundpolicy"),
        Item(
            "Ledger entries",
            "history_edu",
            "billing.refundentry",
            permission="billing.audit_refund",
        ),
        Item("Ledger checks", "verified", "billing.ledgercheck", permission="billing.audit_refund"),
    ],
    "Books": [
        Item("Months", "calendar_month", "billing.balancetransaction", page="months"),
        Item("Payouts", "account_balance_wallet", "billing.payout"),
        Item("Balance transactions", "list_alt", "billing.balancetransaction"),
    ],
    "Bank": [
        Item(
            "Money to match",
            "join_inner",
            "billing.allocation",
            lambda now: now.bank.to_match,
            page="match",
        ),
        Item("Bank transfers", "account_balance", "billing.banktransfer"),
        Item("Zelle payments", "bolt", "billing.expectedtransfer", lambda now: now.bank.not_booked),
        Item("Bank emails", "mark_email_unread", "billing.bankmail", lambda now: now.bank.unseen),
        Item("Bank files", "upload_file", "billing.bankfile"),
        Item("Bank lines", "list_alt", "billing.bankline"),
        Item("Bank accounts", "savings", "billing.bankaccount"),
        Item("Bank mailboxes", "inbox", "billing.bankmailbox"),
        Item("Known payers", "how_to_reg", "billing.knownpayer"),
        Item("Zelle terms", "rule_settings", "billing.zelleterms"),
    ],
    "Business": [
        Item("Brand", "storefront", "business.brandversion"),
    ],
    "Messages": [
        Item("Messages", "outgoing_mail", "emails.message", lambda now: now.messages.failed),
        Item("Phone codes sent", "password", "members.phonecode"),
    ],
    "Integration": [
        Item("Problems", "report", "portal.problem"),
        Item("Webhook events", "webhook", "billing.stripeevent", lambda now: now.events.failed),
        Item("Missed-event checks", "fact_check", "billing.reconciliation"),
        Item("Ignored events", "filter_alt_off", "billing.ignoredevents"),
        Item("Missing setup at Stripe", "build_circle", "billing.missingsetup"),
        Item("Unassigned customers", "person_search", "billing.unassignedcustomer"),
        Item("Jobs", "manufacturing", "procrastinate.procrastinatejob"),
    ],
    "Staff": [
        Item("Groups", "shield_person", "auth.group"),
        Item("Staff actions", "history", "admin.logentry"),
    ],
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links that this staff member may follow."""
    now = waiting(request)
    home = {"title": "Home", "icon": "home", "link": reverse("admin:index")}
    groups = [{"title": "Overview", "items": [home]}]
    for title, items in GROUPS.items():
        allowed = [_link(item, now) for item in items if item.is_allowed(request)]
        if allowed:
            groups.append({"title": title, "items": allowed})
    return groups


def place_of(address: str) -> str:
    """Return the group of the model whose list has this address; "" if it's not in the sidebar."""
    for title, items in GROUPS.items():
        if any(address == reverse(item.list_name) for item in items):
            return title
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


def _link(item: Item, now: Waiting) -> dict[str, Any]:
    link: dict[str, Any] = {
        "title": item.title,
        "icon": item.icon,
        "link": reverse(item.url_name),
    }
    if count := item.badge(now) if item.badge else 0:
        link |= {"badge": str(count), "badge_variant": "danger"}
    return link

"""Staff groups below superuser: the auditor reads, support fixes, and the manager decides.

A role is known by its key; its group's name is for people, who may change it.
"""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from portal.models import StaffRole


class Role(StrEnum):
    """A standard group."""

    AUDITOR = "auditor"
    SUPPORT = "support"
    MANAGER = "manager"


# What a role's group is called when it's made.
NAMES = {Role.AUDITOR: "Auditor", Role.SUPPORT: "Support", Role.MANAGER: "Manager"}

# app label and model: what staff in every group may view.
SEEN = [
    ("account", "emailaddress"),
    ("admin", "logentry"),
    ("auth", "user"),
    ("billing", "allocation"),
    ("billing", "balancetransaction"),
    ("billing", "bankaccount"),
    ("billing", "bankfile"),
    ("billing", "bankline"),
    ("billing", "bankmail"),
    ("billing", "bankmailbox"),
    ("billing", "banktransfer"),
    ("billing", "checkout"),
    ("billing", "creditnote"),
    ("billing", "customer"),
    ("billing", "dispute"),
    ("billing", "expectedtransfer"),
    ("billing", "ignoredevents"),
    ("billing", "invoice"),
    ("billing", "membershipdecision"),
    ("billing", "item"),
    ("billing", "knownpayer"),
    ("billing", "missingsetup"),
    ("billing", "payment"),
    ("billing", "paymentmethod"),
    ("billing", "paymentrequest"),
    ("billing", "payout"),
    ("billing", "plan"),
    ("billing", "product"),
    ("billing", "reconciliation"),
    ("billing", "retentionoffer"),
    ("billing", "retentionshowing"),
    ("billing", "refund"),
    ("billing", "refundpolicy"),
    ("billing", "stripeevent"),
    ("billing", "subscription"),
    ("billing", "unassignedcustomer"),
    ("billing", "zelleterms"),
    ("business", "bookaccountsversion"),
    ("business", "brandversion"),
    ("emails", "message"),
    ("members", "accountactivity"),
    ("members", "member"),
    ("members", "phonecode"),
    ("members", "signin"),
    ("members", "smsconsentrecord"),
    ("members", "termsacceptance"),
    ("portal", "diagnosis"),
    ("portal", "plannedclosing"),
    ("portal", "problem"),
    ("portal", "staffnote"),
    ("portal", "supportmessage"),
    ("procrastinate", "procrastinatejob"),
]
VIEWS = [*(f"{app}.view_{model}" for app, model in SEEN), "billing.view_bank_money"]
# Read the whole refund ledger, export it, and verify it; see what staff downloaded.
AUDITS = [
    "billing.audit_refund",
    "billing.view_refundentry",
    "billing.view_ledgercheck",
    "portal.view_download",
]
# Replay an event, look for missed ones, have the doctor look, assign a customer, resend a message,
# end a membership; sell items, send and cancel payment requests; offer discounts to members who
# are leaving; decide on refunds, and give them; correct an address or a number; say that a member's
# message is answered; stop the closing of an account; write notes about members, give tags, and
# remove either; view the portal as a member; cancel, keep, extend, and discount a membership;
# charge, give up, or void an open invoice.
ACTS = [
    "billing.change_stripeevent",
    "billing.add_reconciliation",
    "portal.add_diagnosis",
    "billing.change_unassignedcustomer",
    "billing.cancel_subscription_now",
    "emails.change_message",
    "members.correct_contact",
    "billing.add_item",
    "billing.change_item",
    "billing.add_paymentrequest",
    "billing.change_paymentrequest",
    "billing.add_retentionoffer",
    "billing.change_retentionoffer",
    "billing.approve_refund",
    "portal.change_supportmessage",
    "portal.change_plannedclosing",
    "portal.add_staffnote",
    "portal.change_staffnote",
    "portal.view_as_member",
    "billing.change_subscription",
    "billing.change_invoice",
]
# Be one of the two people a large refund needs, and put a new refund policy in force; close a month
# of the books; import the bank's files, match its money with payments, and say on which terms
# Zelle is taken.
DECIDES = [
    "billing.approve_large_refund",
    "billing.add_refundpolicy",
    "billing.close_books",
    "billing.import_bank_file",
    "billing.match_bank_transfer",
    "billing.add_bankaccount",
    "billing.change_bankaccount",
    "billing.change_zelleterms",
]
# Say how the business looks, and what its members read about it; name the journal's accounts.
BRANDS = ["business.add_brandversion", "business.add_bookaccountsversion"]
# Someone who is granted one of these can decide on money only a day later.
ON_MONEY = frozenset(
    [
        *DECIDES,
        *("billing.approve_refund", "billing.cancel_subscription_now"),
        *("billing.change_subscription", "billing.change_invoice"),
    ]
)
PERMISSIONS = {
    Role.AUDITOR: [*VIEWS, *AUDITS],
    Role.SUPPORT: [*VIEWS, *ACTS],
    Role.MANAGER: [*VIEWS, *ACTS, *AUDITS, *DECIDES, *BRANDS],
}


def make_groups() -> dict[Group, list[str]]:
    """Make the groups, or add what they lack; permissions added by hand stay.

    Return what was added to existing groups, as "app.codename".
    """
    added = {}
    for role, permissions in PERMISSIONS.items():
        group, is_new = _group(role)
        before = set(group.permissions.values_list("pk", flat=True))
        wanted = _found(permissions)
        group.permissions.add(*wanted)
        new = [f"{one.content_type.app_label}.{one.codename}" for one in wanted]
        lacked = [name for one, name in zip(wanted, new, strict=True) if one.pk not in before]
        if lacked and not is_new:
            added[group] = sorted(lacked)
    return added


def _group(role: Role) -> tuple[Group, bool]:
    """Return a role's group, and whether it had to be made.

    A group that has the role's name but no role yet becomes it, with everyone in it.
    """
    known = Group.objects.filter(staffrole__key=role).first()
    if known:
        return known, False
    # Another role's group may have been given this one's name.
    is_taken = StaffRole.objects.filter(group__name=NAMES[role]).exists()
    name = f"{NAMES[role]} (standard)" if is_taken else NAMES[role]
    group, is_new = Group.objects.get_or_create(name=name)
    StaffRole.objects.create(key=role, group=group)
    return group, is_new


def _found(names: list[str]) -> list[Permission]:
    """Return the permissions with these names.

    Raises:
        LookupError: one isn't in the database, so migrations haven't been run.
    """
    wanted = Q()
    for name in names:
        app, codename = name.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    permissions = list(Permission.objects.filter(wanted).select_related("content_type"))
    if len(permissions) != len(names):
        raise LookupError("Permissions are missing: run `manage.py migrate` first.")
    return permissions

"""What each staff role may do, and the groups that hold it: one table for code, docs, and tests.

A role is known by its key; its group's name is for people, who may change it. `migrate` makes the
groups, and gives them what a new version adds. `manage.py roles_table` writes the table into
`docs/roles.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from members.access_changes import MAY_MANAGE, record
from portal.models import StaffRole


class Role(StrEnum):
    """A standard group."""

    AUDITOR = "auditor"
    SUPPORT = "support"
    BILLING = "billing"
    FINANCE = "finance"
    OWNER = "owner"


# What a role's group is called when it's made.
NAMES = {one: one.value.capitalize() for one in Role}
# In a sentence, for someone who chooses one.
SUMMARIES = {
    Role.AUDITOR: "Sees everything, verifies the refund ledger, and changes nothing.",
    Role.SUPPORT: "Helps members: contact data, messages, small refunds, payment requests.",
    Role.BILLING: "Does what Support does, approves large refunds, and sets the refund policy.",
    Role.FINANCE: "Closes the books, imports the bank’s files, and matches its money.",
    Role.OWNER: "Does all of that, sets the brand, and decides who’s on the team.",
}
# The role of versions before 2026-12, whose people do Billing's and Finance's work now.
FORMER_MANAGER = "manager"
# A group that somebody made by hand under one of these names stays theirs.
NEW = frozenset([Role.BILLING, Role.FINANCE, Role.OWNER])

# app label and model: what staff in every role may view.
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
    ("billing", "fraudwarning"),
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
    ("billing", "replay"),
    ("billing", "retentionoffer"),
    ("billing", "retentionshowing"),
    ("billing", "refund"),
    ("billing", "refundpolicy"),
    ("billing", "stripeevent"),
    ("billing", "subscription"),
    ("billing", "unassignedcustomer"),
    ("billing", "zelleterms"),
    ("business", "attachmentsversion"),
    ("business", "bookaccountsversion"),
    ("business", "brandversion"),
    ("business", "localeversion"),
    ("business", "quiethoursversion"),
    ("business", "retentionversion"),
    ("business", "suggestionsversion"),
    ("emails", "bouncemailbox"),
    ("emails", "message"),
    ("emails", "suppression"),
    ("members", "accountactivity"),
    ("members", "member"),
    ("members", "phonecode"),
    ("members", "signin"),
    ("members", "smsconsentrecord"),
    ("members", "termsacceptance"),
    ("portal", "diagnosis"),
    ("portal", "plannedclosing"),
    ("portal", "problem"),
    ("portal", "savedview"),
    ("portal", "staffnote"),
    ("portal", "supportmessage"),
    ("procrastinate", "procrastinatejob"),
]
VIEWS = [*(f"{app}.view_{model}" for app, model in SEEN), "billing.view_bank_money"]


@dataclass(frozen=True)
class Power:
    """Something that staff may do: what the documentation calls it, and what it takes."""

    sentence: str
    permissions: tuple[str, ...]
    roles: tuple[Role, ...]
    # Someone who is granted it by others can decide on money only a day later.
    is_on_money: bool = False


EVERYONE = tuple(Role)
AUDITING = (Role.AUDITOR, Role.FINANCE, Role.OWNER)
HELPING = (Role.SUPPORT, Role.BILLING, Role.OWNER)
DECIDING = (Role.BILLING, Role.OWNER)
BOOKKEEPING = (Role.FINANCE, Role.OWNER)
WRITING = (Role.SUPPORT, Role.BILLING, Role.FINANCE, Role.OWNER)
ANSWERING = (Role.BILLING, Role.FINANCE, Role.OWNER)
SHARING = (Role.BILLING, Role.FINANCE, Role.OWNER)
OWNING = (Role.OWNER,)
# Who may what. To let staff do something new, add a line, then run `manage.py roles_table`.
POWERS = (
    Power(
        "See members, their money and messages, the books, the bank, and the machine",
        tuple(VIEWS),
        EVERYONE,
    ),
    Power(
        "Read, export, and verify the whole refund ledger",
        ("billing.audit_refund", "billing.view_refundentry", "billing.view_ledgercheck"),
        AUDITING,
    ),
    Power("See what staff downloaded", ("portal.view_download",), AUDITING),
    Power(
        "Save views of lists, and rename and delete their own",
        ("portal.add_savedview", "portal.change_savedview", "portal.delete_savedview"),
        EVERYONE,
    ),
    Power("Share views of lists with the team", ("portal.share_savedview",), SHARING),
    Power(
        "Correct a member's email address or phone number, and have a copy of their data made",
        ("members.correct_contact",),
        HELPING,
    ),
    Power(
        "Sign a member out everywhere, and email them a sign-in link",
        ("members.help_sign_in",),
        HELPING,
    ),
    Power(
        "Write notes and tags about members",
        ("portal.add_staffnote", "portal.change_staffnote"),
        HELPING,
    ),
    Power("View the portal as a member", ("portal.view_as_member",), HELPING),
    Power("Mark a member's message answered", ("portal.change_supportmessage",), HELPING),
    Power("Stop the closing of an account", ("portal.change_plannedclosing",), HELPING),
    Power(
        "Close a member's account, with a week to take it back",
        ("portal.add_plannedclosing",),
        HELPING,
        is_on_money=True,
    ),
    Power(
        "Merge a member's second account or customer",
        ("billing.move_customer",),
        DECIDING,
        is_on_money=True,
    ),
    Power(
        "Send a message again, and have a sample sent to themselves",
        ("emails.change_message",),
        HELPING,
    ),
    Power(
        "Send every email to a suppressed address again",
        ("emails.change_suppression",),
        HELPING,
    ),
    Power("Replay webhook events", ("billing.change_stripeevent",), HELPING),
    Power(
        "Look for missed events, compare with Stripe, and repair",
        ("billing.add_reconciliation",),
        HELPING,
    ),
    Power("Have the doctor check everything", ("portal.add_diagnosis",), HELPING),
    Power("Say whose an unassigned customer is", ("billing.change_unassignedcustomer",), HELPING),
    Power(
        "Send payment requests, and cancel them",
        ("billing.add_paymentrequest", "billing.change_paymentrequest"),
        HELPING,
    ),
    Power("Change what's on sale", ("billing.add_item", "billing.change_item"), HELPING),
    Power(
        "Make coupons and promo codes, and change the offers to members who are leaving",
        ("billing.add_retentionoffer", "billing.change_retentionoffer"),
        HELPING,
    ),
    Power(
        "End a membership right away",
        ("billing.cancel_subscription_now",),
        HELPING,
        is_on_money=True,
    ),
    Power(
        "Cancel, keep, pause, extend, discount, and reprice a membership",
        ("billing.change_subscription",),
        HELPING,
        is_on_money=True,
    ),
    Power(
        "Charge, give up, or void an open invoice",
        ("billing.change_invoice",),
        HELPING,
        is_on_money=True,
    ),
    Power(
        "Approve and deny refunds, and refund without a request",
        ("billing.approve_refund",),
        HELPING,
        is_on_money=True,
    ),
    Power(
        "Be the one of two people whom no large refund goes without",
        ("billing.approve_large_refund",),
        DECIDING,
        is_on_money=True,
    ),
    Power(
        "Put a new refund policy in force",
        ("billing.add_refundpolicy",),
        DECIDING,
        is_on_money=True,
    ),
    Power(
        "Leave a payment that a bank reports as fraud", ("billing.change_fraudwarning",), HELPING
    ),
    Power("Draft the answer to a dispute", ("billing.change_disputeanswer",), WRITING),
    Power(
        "Send an answer to the bank, or accept a dispute",
        ("billing.send_disputeanswer",),
        ANSWERING,
        is_on_money=True,
    ),
    Power("Name the journal's accounts", ("business.add_bookaccountsversion",), BOOKKEEPING),
    Power("Close a month of the books", ("billing.close_books",), BOOKKEEPING, is_on_money=True),
    Power("Import the bank's files", ("billing.import_bank_file",), BOOKKEEPING, is_on_money=True),
    Power(
        "Match the bank's money with payments",
        ("billing.match_bank_transfer",),
        BOOKKEEPING,
        is_on_money=True,
    ),
    Power(
        "Add bank accounts, and name their columns",
        ("billing.add_bankaccount", "billing.change_bankaccount"),
        BOOKKEEPING,
        is_on_money=True,
    ),
    Power("Set the terms of Zelle", ("billing.change_zelleterms",), BOOKKEEPING, is_on_money=True),
    Power(
        "Change the subjects, openings, and texts of messages",
        ("emails.add_editedtext",),
        OWNING,
    ),
    Power("Change the brand and what members read", ("business.add_brandversion",), OWNING),
    Power(
        "Change time and place, suggested amounts, quiet hours, attachments, and how long records"
        " are kept",
        (
            "business.add_localeversion",
            "business.add_suggestionsversion",
            "business.add_quiethoursversion",
            "business.add_attachmentsversion",
            "business.add_retentionversion",
        ),
        OWNING,
    ),
    Power("Open accounts, and change names", ("auth.add_user", "auth.change_user"), OWNING),
    Power(
        "Decide who is on the team and what they may do, and see their sessions and devices",
        (
            MAY_MANAGE,
            "members.view_accesschange",
            "members.view_device",
            "usersessions.view_usersession",
        ),
        OWNING,
    ),
    Power(
        "Change what a group may do, up to what they may do themselves",
        ("auth.view_group", "auth.add_group", "auth.change_group"),
        OWNING,
    ),
)
PERMISSIONS = {
    role: [name for power in POWERS if role in power.roles for name in power.permissions]
    for role in Role
}
ON_MONEY = frozenset(name for power in POWERS if power.is_on_money for name in power.permissions)


def as_table() -> str:
    """Return who may what, as a Markdown table."""
    lines = [f"| | {' | '.join(NAMES.values())} |", f"|---|{'---|' * len(NAMES)}"]
    for power in POWERS:
        held = " | ".join("yes" if role in power.roles else "" for role in Role)
        lines.append(f"| {power.sentence} | {held} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines)


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
        lacked = [_name(one) for one in wanted if one.pk not in before]
        if lacked and not is_new:
            added[group] = sorted(lacked)
    _retire_managers()
    return added


def complete_groups() -> list[str]:
    """Make the groups; tell staff and owners what was added to one. Return that in sentences."""
    sentences = []
    for group, permissions in make_groups().items():
        said = " ".join(f"Granted to the group {group}: {name}." for name in permissions)
        holds = not ON_MONEY.isdisjoint(permissions)
        for user in group.user_set.filter(is_staff=True):
            record(user, None, said, holds=holds)
        sentences.append(said)
    return sentences


def are_permissions_there() -> bool:
    """Whether the database has all permissions that roles need."""
    names = {name for permissions in PERMISSIONS.values() for name in permissions}
    return len(_rows(names)) == len(names)


def _group(role: Role) -> tuple[Group, bool]:
    """Return a role's group, and whether it had to be made.

    A group that has the role's name but no role yet becomes it, with everyone in it. New
    roles don't take over a group made by hand: its people would gain what nobody gave them.
    """
    known = Group.objects.filter(staffrole__key=role).first()
    if known:
        return known, False
    # Another role's group may have been given this one's name.
    taken = Group.objects.filter(name=NAMES[role])
    is_taken = taken.exclude(staffrole=None).exists() or (role in NEW and taken.exists())
    name = f"{NAMES[role]} (standard)" if is_taken else NAMES[role]
    group, is_new = Group.objects.get_or_create(name=name)
    StaffRole.objects.create(key=role, group=group)
    return group, is_new


def _retire_managers() -> None:
    """Move the people of the former role Manager to Billing and Finance; they lose nothing.

    What neither role gives, such as the brand, they keep as permissions of their own. If somebody
    had taken permissions from Manager by hand, its people would gain from the move. Then it stays,
    as a group like any other.
    """
    former = StaffRole.objects.filter(key=FORMER_MANAGER).select_related("group").first()
    if former is None:
        return
    group = former.group
    held = {_name(one): one for one in group.permissions.select_related("content_type")}
    roles = [Group.objects.get(staffrole__key=key) for key in (Role.BILLING, Role.FINANCE)]
    given = {
        _name(one) for role in roles for one in role.permissions.select_related("content_type")
    }
    former.delete()
    if any(name not in held for name in given - set(VIEWS)):
        return
    kept = [one for name, one in held.items() if name not in given]
    said = f"Moved from the group {group} to {roles[0]} and {roles[1]}, with the same permissions."
    for user in group.user_set.all():
        user.groups.add(*roles)
        user.user_permissions.add(*kept)
        if user.is_staff:
            record(user, None, said, holds=False)
    group.delete()


def _name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"


def _found(names: list[str]) -> list[Permission]:
    """Return the permissions with these names.

    Raises:
        LookupError: one isn't in the database, so migrations haven't been run.
    """
    permissions = _rows(names)
    if len(permissions) != len(names):
        raise LookupError("Permissions are missing: run `manage.py migrate` first.")
    return permissions


def _rows(names: Iterable[str]) -> list[Permission]:
    wanted = Q()
    for name in names:
        app, codename = name.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return list(Permission.objects.filter(wanted).select_related("content_type"))

"""Every page and action of the staff site, for each role and for staff without one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from django.urls.converters import IntConverter
from pytest_django import Settings

from billing.tests import staff_world
from billing.tests.staff_world import World
from portal.backoffice.roles import PERMISSIONS, Role
from testing import thorough
from testing.thorough import one_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

PEOPLE: list[tuple[Role | None, Callable[[], User]]] = [
    (None, staff_world.no_role),
    (Role.AUDITOR, staff_world.auditor),
    (Role.SUPPORT, staff_world.support),
    (Role.BILLING, staff_world.billing),
    (Role.FINANCE, staff_world.finance),
    (Role.OWNER, staff_world.owner),
]
NOBODY = "nobody"
# Open to everyone on staff: a home without numbers, and signing out.
OPEN = {"index", "login", "logout", "password_change", "password_change_done", "jsi18n"}
# Has no page of its own: what it answers is what one may view.
APART = {
    "autocomplete": "asks the list that it completes from for its own permission",
    "view_on_site": "leads to a member's page, and no model here has one",
    "app_list": "lists what one may view of an app",
    "search": "finds what one may view",
    "auth_user_stop_viewing": "ends what they began themselves",
}
# The permission that a page or action takes, if it isn't the model's `view`.
TAKES = {
    "billing_balancetransaction_close": "billing.close_books",
    "billing_bankaccount_add": "billing.add_bankaccount",
    "billing_bankaccount_columns": "billing.change_bankaccount",
    "billing_bankaccount_name_columns": "billing.change_bankaccount",
    "billing_bankfile_add_file": "billing.import_bank_file",
    "billing_bankfile_import_one": "billing.import_bank_file",
    "billing_bankfile_preview": "billing.import_bank_file",
    "billing_bankfile_store": "billing.import_bank_file",
    "billing_bankmail_seen": "billing.match_bank_transfer",
    "billing_allocation_match": "billing.view_bank_money",
    "billing_allocation_older": "billing.match_bank_transfer",
    "billing_allocation_confirm": "billing.match_bank_transfer",
    "billing_allocation_undo": "billing.match_bank_transfer",
    "billing_knownpayer_forget": "billing.match_bank_transfer",
    "billing_banktransfer_bring_back": "billing.match_bank_transfer",
    "billing_banktransfer_hand": "billing.match_bank_transfer",
    "billing_banktransfer_match_by_hand": "billing.match_bank_transfer",
    "billing_banktransfer_set_aside": "billing.match_bank_transfer",
    "billing_dispute_accept_it": "billing.send_disputeanswer",
    "billing_dispute_answer_it": "billing.change_disputeanswer",
    "billing_fraudwarning_leave_it": "billing.change_fraudwarning",
    "billing_fraudwarning_refund_it": "billing.approve_refund",
    "billing_fraudwarning_take_it_up": "billing.change_fraudwarning",
    "billing_invoice_give_on_invoice": "billing.approve_refund",
    "billing_item_add": "billing.add_item",
    "billing_item_ask_members": "billing.add_paymentrequest",
    "billing_ledgercheck_change": "billing.audit_refund",
    "billing_ledgercheck_changelist": "billing.audit_refund",
    "billing_ledgercheck_history": "billing.audit_refund",
    "billing_ledgercheck_verify_now": "billing.audit_refund",
    "billing_payment_give": "billing.approve_refund",
    "billing_paymentrequest_add": "billing.add_paymentrequest",
    "billing_paymentrequest_cancel_request": "billing.change_paymentrequest",
    "billing_reconciliation_compare_now": "billing.add_reconciliation",
    "billing_reconciliation_look_now": "billing.add_reconciliation",
    "billing_reconciliation_repair_now": "billing.add_reconciliation",
    "billing_refund_again": "billing.approve_refund",
    "billing_refund_approve": "billing.approve_refund",
    "billing_refund_ask_second": "billing.approve_refund",
    "billing_refund_deny": "billing.approve_refund",
    "billing_refund_not_sent": "billing.approve_refund",
    "billing_refund_selected": "billing.approve_refund",
    "billing_refund_sent": "billing.approve_refund",
    "billing_refundentry_change": "billing.audit_refund",
    "billing_refundentry_changelist": "billing.audit_refund",
    "billing_refundentry_download": "billing.audit_refund",
    "billing_ledgercheck_download": "billing.audit_refund",
    "billing_reconciliation_read": "billing.add_reconciliation",
    "billing_refundentry_history": "billing.audit_refund",
    "billing_refundentry_verify_now": "billing.audit_refund",
    "billing_refundpolicy_add": "billing.add_refundpolicy",
    "billing_retentionoffer_add": "billing.add_retentionoffer",
    "billing_retentionoffer_change_code": "billing.change_retentionoffer",
    "billing_retentionoffer_make_code": "billing.add_retentionoffer",
    "billing_stripeevent_rehearse": "billing.change_stripeevent",
    "billing_stripeevent_replay": "billing.change_stripeevent",
    "billing_stripeevent_replay_all": "billing.change_stripeevent",
    "billing_stripeevent_replay_failed": "billing.change_stripeevent",
    "billing_stripeevent_try_all": "billing.change_stripeevent",
    "billing_replay_stop": "billing.change_stripeevent",
    **{
        f"billing_invoice_{name}": "billing.change_invoice"
        for name in ("charge_again", "give_up", "void", "finalize", "discard")
    },
    **{
        f"billing_subscription_{name}": "billing.change_subscription"
        for name in (
            *("cancel_at_end", "extend_trial", "give_discount", "send_card_link"),
            *("keep_going", "take_discount", "pause_payments", "resume_payments"),
            *("give_free_time", "change_price", "keep_price"),
        )
    },
    "billing_subscription_end_now": "billing.cancel_subscription_now",
    "billing_subscription_end_one": "billing.cancel_subscription_now",
    "billing_unassignedcustomer_assign": "billing.change_unassignedcustomer",
    "business_attachmentsversion_open_again": "business.add_attachmentsversion",
    "business_bookaccountsversion_add": "business.add_bookaccountsversion",
    "business_brandversion_preview": "business.add_brandversion",
    "business_brandversion_restore": "business.add_brandversion",
    "business_localeversion_open_again": "business.add_localeversion",
    "business_quiethoursversion_open_again": "business.add_quiethoursversion",
    "business_retentionversion_open_again": "business.add_retentionversion",
    "business_suggestionsversion_open_again": "business.add_suggestionsversion",
    "emails_message_words": "emails.add_editedtext",
    "emails_message_resend": "emails.change_message",
    "emails_message_resend_failed": "emails.change_message",
    "emails_message_try_one": "emails.change_message",
    "emails_message_try_waiting": "emails.change_message",
    "emails_suppression_release": "emails.change_suppression",
    "auth_group_add": "auth.add_group",
    "auth_user_add": "auth.add_user",
    "auth_user_add_note": "portal.add_staffnote",
    "auth_user_add_tag": "portal.add_staffnote",
    "auth_user_remove_tag": "portal.add_staffnote",
    "auth_user_view_as": "portal.view_as_member",
    "portal_staffnote_remove_note": "portal.change_staffnote",
    "auth_user_ask_for_payment": "billing.add_paymentrequest",
    "auth_user_change_access": "members.manage_staff",
    "auth_user_correct_email": "members.correct_contact",
    "auth_user_correct_phone": "members.correct_contact",
    "auth_user_prepare_data": "members.correct_contact",
    "auth_user_send_password_link": "members.manage_staff",
    "auth_user_email_sign_in_link": "members.help_sign_in",
    "auth_user_sign_out_everywhere": "members.help_sign_in",
    **{
        f"auth_user_{name}": "billing.move_customer"
        for name in ("merge_second", "merge_find", "merge_look")
    },
    "auth_user_close_account": "portal.add_plannedclosing",
    "auth_user_stop_closing": "portal.change_plannedclosing",
    **{
        f"portal_staffinvitation_{page}": "members.manage_staff"
        for page in (
            "download",
            "change",
            "changelist",
            "history",
            "invite",
            "send_again",
            "team",
            "withdraw",
        )
    },
    "auth_user_change_role": "members.manage_staff",
    "auth_user_end_access": "members.manage_staff",
    "portal_diagnosis_look_again": "portal.add_diagnosis",
    "portal_diagnosis_look_now": "portal.add_diagnosis",
    "portal_savedview_delete": "portal.delete_savedview",
    "portal_savedview_save": "portal.add_savedview",
    "portal_supportmessage_mark_answered": "portal.change_supportmessage",
    "portal_supportmessage_open_again": "portal.change_supportmessage",
}

# Refused for a row in whose state it makes no sense, also to those who hold the permission.
BY_STATE = {
    "portal_savedview_delete": "a view of their own",
    "billing_subscription_see_both": "one of two memberships",
    "billing_fraudwarning_leave_it": "a warning that waits",
    "billing_fraudwarning_refund_it": "a warning that waits, of a payment that can be refunded",
    "billing_fraudwarning_take_it_up": "a warning that was left",
    "emails_message_try_one": "a message that waits",
    "auth_user_remove_tag": "a member who has tags",
    "billing_invoice_charge_again": "an open invoice",
    "billing_invoice_discard": "a draft that was kept",
    "billing_invoice_finalize": "a draft that was kept",
    "billing_invoice_give_up": "an open invoice",
    "billing_invoice_void": "an open invoice",
    "billing_subscription_cancel_at_end": "a membership that renews",
    "billing_subscription_extend_trial": "a trial",
    "billing_subscription_give_discount": "a membership without a discount",
    "billing_subscription_keep_price": "a membership whose price is planned to change",
    "billing_subscription_keep_going": "a membership that's set to end",
    "billing_subscription_take_discount": "a membership with a discount",
    "billing_replay_stop": "a replay that hasn't ended",
    "billing_subscription_resume_payments": "a membership whose payments are paused",
    "auth_user_stop_closing": "an account that's about to be closed",
}


@dataclass(frozen=True)
class Page:
    """A page or action of the staff site, with an address that a row of the world has."""

    name: str
    url: str
    takes: str


def patterns(found: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for one in found:
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns)
        elif one.name:
            yield one


def names() -> set[str]:
    return {str(one.name) for one in patterns(admin.site.urls[0])} - OPEN - set(APART)


def model_of(name: str) -> str:
    """Return the model whose page it is, as "billing.invoice"; "" if it's of none."""
    labels = {one._meta.label_lower for one in admin.site._registry}
    return next((one for one in labels if name.startswith(f"{one.replace('.', '_')}_")), "")


def takes(name: str) -> str:
    if name in TAKES:
        return TAKES[name]
    app, _, model = model_of(name).partition(".")
    return NOBODY if name.endswith(("_add", "_delete")) else f"{app}.view_{model}"


def pages(world: World) -> list[Page]:
    rows = {row._meta.label_lower: row for row in reversed(world.rows)}
    colleague = staff_world.no_role()
    found = {}
    for one in patterns(admin.site.urls[0]):
        name = str(one.name)
        if name not in names():
            continue
        on_staff = name in {"auth_user_change_role", "auth_user_end_access"}
        values = {
            "object_id": str(colleague.pk if on_staff else rows[model_of(name)].pk),
            "month": "2026-10",
            "upload": uuid.uuid4(),
            "user_id": world.alice.pk,
            "pk": rows[model_of(name)].pk if "dispute" in name else world.subscription.pk,
        }
        needed = {
            key: values.get(key, 1 if isinstance(kind, IntConverter) else "csv")
            for key, kind in one.pattern.converters.items()
        }
        found[name] = Page(name, reverse(f"admin:{name}", kwargs=needed), takes(name))
    return list(found.values())


def test_what_a_page_takes_is_said_of_pages_that_there_are() -> None:
    assert set(TAKES) - names() == set()
    given = {name for permissions in PERMISSIONS.values() for name in permissions}
    assert {takes(name) for name in names()} - {NOBODY} <= given


@thorough.MARK
@pytest.mark.parametrize(("role", "who"), PEOPLE)
def test_nobody_reaches_what_their_role_does_not_give_and_everybody_what_it_does(
    role: Role | None, who: Callable[[], User], settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_1", ""
    world = staff_world.make_world()
    held = set(PERMISSIONS[role]) if role else set()
    client = Client()
    client.force_login(who())
    wrong = []
    for page in one_in(3, pages(world), start=[one for one, _ in PEOPLE].index(role)):
        shown = client.get(page.url).status_code
        if page.takes in held:
            if shown >= 500 or (shown == 403 and page.name not in BY_STATE):
                wrong.append(f"{page.name}: {shown}, though it holds {page.takes}")
        else:
            sent = client.post(page.url, {"_form_submitted": "on"}).status_code
            if not {sent, shown} <= {403, 405} or sent == shown == 405:
                wrong.append(f"{page.name}: {shown}, {sent}, without {page.takes}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("role", "who"), PEOPLE)
def test_the_home_page_opens_for_everyone_on_staff(
    role: Role | None, who: Callable[[], User]
) -> None:
    client = Client()
    client.force_login(who())
    home = client.get(reverse("admin:index"))
    assert home.status_code == 200
    assert ("Members" in home.content.decode()) == (role is not None)
    for label in ("billing", "auth", "portal"):
        answer = client.get(reverse("admin:app_list", args=[label]))
        assert answer.status_code == (404 if role is None else 200)
    asked = {"app_label": "billing", "model_name": "paymentrequest", "field_name": "user"}
    found = client.get(reverse("admin:autocomplete"), asked | {"term": "Ali"})
    assert found.status_code == (403 if role is None else 200)

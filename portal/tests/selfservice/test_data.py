"""Your data: everything we hold about a member, in a file that only they can fetch."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import ForeignKey, Model
from django.urls import reverse
from django.utils import timezone

from billing.core.statuses import RefundReason, RefundState
from billing.models import Payment, Refund
from billing.refunds import service as refunds
from billing.refunds.service import RefundRequest
from billing.tests import factories, refund_world, staff_world
from billing.tests.life import deliver, know_the_plan, subscribe
from conftest import Sandbox, run_jobs
from emails.models import Message, MessageState
from members.models import SignIn
from members.tests import actors
from portal.backoffice.close_account import close_account
from portal.models import DataExport, DataExportPart, ExportState
from portal.selfservice import data_exports, data_file, data_tables
from portal.selfservice.data_columns import OURS
from portal.tasks import forget_old_records
from portal.tests.test_privacy import listed

pytestmark = pytest.mark.django_db
PAGE = "/account/data/"
PEOPLE = {"auth.User", "members.Member", "billing.Customer"}


def ask(user: User) -> DataExport:
    """Ask on the page, right after a sign-in, and let the worker make it."""
    actors.fresh(user).post(PAGE)
    run_jobs()
    return DataExport.objects.filter(user=user).latest("created_at")


def fetched(client: Any, export: DataExport) -> zipfile.ZipFile:
    answer = client.get(reverse("selfservice:data-download", args=[export.pk]))
    assert answer.status_code == 200
    data = b"".join(answer.streaming_content)
    assert len(data) == int(answer["Content-Length"])
    return zipfile.ZipFile(io.BytesIO(data))


def told(archive: zipfile.ZipFile) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(archive.read("your-data.json"))
    return found


def table(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    text = archive.read(f"tables/{name}.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


TYPES: dict[str, type] = {
    "string": str,
    "null": type(None),
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}


def follows(schema: dict[str, Any], value: Any) -> None:
    """Check a value by the parts of JSON Schema that ours uses."""
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert any(isinstance(value, TYPES[name]) for name in names), (schema, value)
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema.get("required", [])) == set(value)
        for name, inner in value.items():
            follows(schema["properties"][name], inner)
    if isinstance(value, list) and "items" in schema:
        for inner in value:
            follows(schema["items"], inner)


# What's in it


def leads_to_somebody(model: type[Model], seen: frozenset[str] = frozenset()) -> bool:
    """Whether rows of a model belong to a member, through whatever other rows."""
    label = model._meta.label
    if label in PEOPLE:
        return True
    if label in seen:
        return False
    parents = [one.related_model for one in model._meta.get_fields() if isinstance(one, ForeignKey)]
    return any(leads_to_somebody(parent, seen | {label}) for parent in parents)


def test_each_table_about_members_is_in_it_or_left_out_with_a_reason() -> None:
    included = {one.model._meta.label for one in data_tables.TABLES}
    left_out = set(data_tables.LEFT_OUT)
    models = apps.get_models(include_auto_created=True)
    leading = {one._meta.label for one in models if leads_to_somebody(one)}
    # What docs/privacy.md says is about people, whether a foreign key says so or not.
    named = {one._meta.label for one in models if one._meta.db_table in listed()}
    missing = (leading | named) - included - left_out
    assert not missing, "Put it into portal/selfservice/data_tables.py, or say why it isn't there."
    assert not included & left_out
    assert left_out <= {one._meta.label for one in models}


@pytest.mark.parametrize("one", data_tables.TABLES, ids=lambda one: one.name)
def test_each_field_is_a_column_or_left_out(one: Any) -> None:
    concrete = {field.name for field in one.model._meta.get_fields() if field.concrete}
    known = one.fields | one.left_out
    assert not concrete - known - OURS, f"{one.name} says nothing about these."
    assert not known - concrete


def test_a_life_is_in_it(sandbox: Sandbox) -> None:
    user = actors.alice()
    know_the_plan(sandbox)
    subscribe(sandbox, user)
    deliver(sandbox.events())
    payment = Payment.objects.get()
    wish = RefundRequest(amount=900, reason=RefundReason.OTHER, words="=1+1 and more", key=uuid4())
    refunds.request(user, payment.pk, wish)
    run_jobs()
    export = ask(user)
    archive = fetched(actors.fresh(user), export)
    data = told(archive)
    follows(json.loads(archive.read("schema.json")), data)
    tables = data["tables"]
    assert tables["account"][0]["email"] == user.email
    assert [one["amount_received"] for one in tables["payments"]] == ["29.00"]
    assert [one["amount"] for one in tables["invoice-lines"]] == ["29.00"]
    [refund] = tables["refunds"]
    assert (refund["amount_asked"], refund["words"]) == ("9.00", "=1+1 and more")
    assert tables["refund-steps"][0]["action"] == "requested"
    [welcome] = [one for one in tables["messages"] if one["kind"] == "joined"]
    assert "Member" in welcome["text"] or "membership" in welcome["text"]
    assert tables["subscriptions"][0]["is_membership"] is True
    # A spreadsheet must not take their words for a formula; programs get them as they are.
    [row] = table(archive, "refunds")
    assert row["words"] == "'=1+1 and more"
    assert {one.filename for one in archive.infolist()} == {
        *("README.txt", "your-data.json", "schema.json"),
        *(f"tables/{one.name}.csv" for one in data_tables.TABLES),
    }
    assert "refund-steps" in archive.read("README.txt").decode()


def test_messages_that_wait_to_be_sent_are_left_out() -> None:
    user = actors.alice()
    for state in MessageState:
        staff_world.make_message(user, state=state, dedupe_key=f"draft:{state}", kind="joined")
    [messages] = [one for one in data_tables.TABLES if one.name == "messages"]
    states = [row.state for row in messages.rows(user) if row.kind == "joined"]
    assert states == [one for one in MessageState if one != MessageState.QUEUED]


def test_no_secret_and_no_colleague_is_in_it(sandbox: Sandbox) -> None:
    user = actors.alice()
    colleague = staff_world.manager()
    factories.make_payment(factories.make_customer(user))
    payment = Payment.objects.get()
    refund = refunds.request(
        user, payment.pk, RefundRequest(amount=900, reason=RefundReason.OTHER, key=uuid4())
    )
    refund.refresh_from_db()
    refund.problem, refund.decided_by = "Rude on the phone", colleague
    refund.decided_at = timezone.now()
    refund.save()
    reported = RefundReason.REPORTED_AS_FRAUD
    wish = RefundRequest(amount=100, reason=reported, words="A stolen card", key=uuid4())
    given = factories.make_payment(refund.customer)
    sent = refunds.give(given.pk, refund_world.approver("Bob Baker"), wish)
    Refund.objects.filter(pk=sent.pk).update(state=RefundState.SUCCEEDED, stripe_id="re_1")
    client = actors.fresh(user)
    archive = fetched(client, ask(user))
    text = "\n".join(archive.read(one).decode() for one in archive.namelist())
    for secret in (
        user.password,
        str(client.session.session_key),
        "Rude on the phone",
        "A stolen card",
        "fraud",
        colleague.last_name,
    ):
        assert secret not in text
    assert told(archive)["tables"]["refunds"][0]["decided_by"] == "our team"


def test_a_large_file_is_stored_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    user = actors.alice()
    SignIn.objects.bulk_create(
        SignIn(user=user, ip="192.0.2.1", user_agent=f"{number:x}" * 60) for number in range(3000)
    )
    monkeypatch.setattr(data_file, "PART", 4096)
    export = ask(user)
    parts = DataExportPart.objects.filter(export=export)
    assert parts.count() > 2
    assert all(len(part.content) <= 4096 for part in parts)
    archive = fetched(actors.fresh(user), export)
    assert archive.testzip() is None
    assert len(told(archive)["tables"]["sign-ins"]) >= 3000


def test_what_is_too_large_fails_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    user = actors.alice()
    monkeypatch.setattr(data_file, "PART", 64)
    monkeypatch.setattr(data_exports, "LARGEST", 128)
    actors.fresh(user).post(PAGE)
    export = DataExport.objects.get()
    with pytest.raises(data_exports.TooLarge):
        data_exports.make(export.pk)
    data_exports.fail(export.pk)
    assert not DataExportPart.objects.exists()
    assert "couldn’t be made" in actors.browser(user).get(PAGE).content.decode()


# Who gets it


def test_it_is_asked_for_after_a_recent_sign_in_alone() -> None:
    user = actors.alice()
    answer = actors.browser(user).post(PAGE)
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert not DataExport.objects.exists()


def test_the_mail_leads_to_it_and_expires() -> None:
    user = actors.alice()
    export = ask(user)
    mail = Message.objects.get(kind="data_ready")
    assert (mail.recipient, mail.expires_at) == (user.email, export.expires_at)
    assert mail.context["url"].endswith(PAGE)
    client = actors.browser(user)
    page = client.get(PAGE).content.decode()
    assert reverse("selfservice:data-download", args=[export.pk]) in page
    DataExport.objects.update(expires_at=timezone.now())
    answer = client.get(reverse("selfservice:data-download", args=[export.pk]), follow=True)
    assert "no longer here" in answer.content.decode()


def test_nobody_else_can_fetch_it() -> None:
    export = ask(actors.alice())
    address = reverse("selfservice:data-download", args=[export.pk])
    stranger = actors.fresh(actors.bob()).get(address)
    assert stranger.status_code == 302
    assert stranger["Location"] == PAGE
    visitor = actors.browser().get(address)
    assert visitor["Location"].startswith(reverse("account_login"))
    assert DataExport.objects.get().fetched_at is None


def test_one_is_made_at_a_time_and_three_a_day() -> None:
    user = actors.alice()
    client = actors.fresh(user)
    client.post(PAGE)
    client.post(PAGE)
    assert DataExport.objects.count() == 1
    run_jobs()
    for _ in range(4):
        client.post(PAGE)
        run_jobs()
    assert DataExport.objects.count() == data_exports.MOST_A_DAY
    answer = client.post(PAGE, follow=True)
    assert "several copies today" in answer.content.decode()
    assert Message.objects.filter(kind="data_ready").count() == data_exports.MOST_A_DAY


def test_staff_have_it_made_and_cannot_fetch_it(sandbox: Sandbox) -> None:
    user, support = actors.alice(), staff_world.support()
    client = staff_world.signed_in_now(support)
    client.post(reverse("admin:auth_user_prepare_data", args=[user.pk]), {"_form_submitted": "on"})
    run_jobs()
    export = DataExport.objects.get()
    assert (export.user, export.asked_by) == (user, support)
    mail = Message.objects.get(kind="data_ready")
    assert (mail.user, mail.context["by_staff"]) == (user, True)
    assert "copy of their data" in LogEntry.objects.latest("pk").change_message
    answer = client.get(reverse("selfservice:data-download", args=[export.pk]))
    assert answer.status_code == 302


# How long


def test_it_is_deleted_after_a_week_and_with_the_account() -> None:
    user = actors.alice()
    export = ask(user)
    forget_old_records(0)
    assert DataExport.objects.exists()
    DataExport.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    forget_old_records(0)
    assert not DataExportPart.objects.exists()
    DataExport.objects.create(user=user, created_at=timezone.now() - timedelta(days=8))
    forget_old_records(0)
    assert not DataExport.objects.exists()
    export = ask(user)
    close_account(user)
    assert not DataExport.objects.filter(pk=export.pk).exists()


def test_a_job_that_runs_twice_makes_it_once() -> None:
    export = ask(actors.alice())
    data_exports.make(export.pk)
    assert DataExportPart.objects.filter(export=export).count() == 1
    assert DataExport.objects.get().state == ExportState.READY
    assert Message.objects.filter(kind="data_ready").count() == 1


def test_the_command_writes_a_file(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    actors.alice()
    call_command("export_data", actors.ALICE)
    archive = zipfile.ZipFile(io.BytesIO(capsysbinary.readouterr().out))
    assert told(archive)["tables"]["account"][0]["email"] == actors.ALICE
    with pytest.raises(CommandError, match="no one member"):
        call_command("export_data", "nobody@example.com")

"""The evidence packet: everything on record about the dispute's member, and nothing of others."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import Settings

from billing.disputes import evidence, evidence_files
from billing.disputes.case import gather
from billing.disputes.narrative import narrative
from billing.models import Dispute, Invoice, MembershipDecision, Refund, Subscription
from billing.tests import factories, staff_world
from billing.tests.staff_world import auditor, make_message, support
from emails.models import Message
from members.models import SignIn, TermsAcceptance

pytestmark = pytest.mark.django_db
LARGEST_FOR_STRIPE = 5_000_000
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36"


@pytest.fixture
def dispute(settings: Settings) -> Dispute:
    """Alice's second payment is disputed; Mallory's records must stay out of it."""
    settings.BRAND_NAME = "Harbor Yoga"
    now = timezone.now()
    alice = factories.make_member(date_joined=now - timedelta(days=60))
    customer = factories.make_customer(alice)
    subscription = factories.make_subscription(customer)
    first = factories.make_invoice(customer, subscription=subscription, number="HY-0001")
    factories.make_payment(invoice=first, paid_at=now - timedelta(days=40))
    second = factories.make_invoice(customer, subscription=subscription, number="HY-0002")
    payment = factories.make_payment(invoice=second, paid_at=now - timedelta(days=10))
    for days, ip in ((41, "192.0.2.1"), (11, "192.0.2.1"), (2, "192.0.2.1")):
        row = SignIn.objects.create(user=alice, ip=ip, user_agent=CHROME, method="password")
        SignIn.objects.filter(pk=row.pk).update(happened_at=now - timedelta(days=days))
    TermsAcceptance.objects.create(
        user=alice,
        version="2026-01-01",
        url="https://example.com/terms",
        where="signup",
        ip="192.0.2.1",
    )
    TermsAcceptance.objects.update(happened_at=now - timedelta(days=60))
    make_message(
        alice,
        subject="Receipt: $29.00",
        sent_at=now - timedelta(days=9),
        dedupe_key=f"payment_received:{second.stripe_id}:email",
    )
    make_message(alice, kind="login_code", context={}, dedupe_key="code", subject="")
    mallory = factories.make_member("Mallory Marsh")
    make_message(mallory, subject="Mallory's own")
    factories.make_payment(invoice=factories.make_invoice(factories.make_customer(mallory)))
    SignIn.objects.create(user=mallory, ip="203.0.113.9")
    return factories.make_dispute(payment)


def unpacked(dispute: Dispute) -> dict[str, bytes]:
    packed = evidence_files.packet(dispute, timezone.now())
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def table(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode("utf-8-sig"))))


def test_the_packet_holds_the_document_and_every_record(dispute: Dispute) -> None:
    files = unpacked(dispute)
    assert files["evidence.pdf"].startswith(b"%PDF-")
    assert len(files["evidence.pdf"]) < LARGEST_FOR_STRIPE
    assert {row["number"] for row in table(files, "invoices.csv")} == {"HY-0001", "HY-0002"}
    assert len(table(files, "payments.csv")) == 2
    assert [row["ip address"] for row in table(files, "sign-ins.csv")] == ["192.0.2.1"] * 3
    assert table(files, "terms.csv")[0]["version"] == "2026-01-01"
    receipt = next(row for row in table(files, "messages.csv") if row["about"] == "Receipt: $29.00")
    assert receipt["state"].startswith("Delivered")
    assert [one["number"] for one in json.loads(files["invoices.json"])] == ["HY-0002", "HY-0001"]


def test_messages_are_there_as_they_read_but_codes_are_not(dispute: Dispute) -> None:
    files = unpacked(dispute)
    texts = {name: files[name].decode() for name in files if name.startswith("messages/")}
    receipt = next(text for name, text in texts.items() if "payment_received" in name)
    assert "About: Receipt: $29.00" in receipt
    assert "F0000001-0001" in receipt
    code = next(text for name, text in texts.items() if "login_code" in name)
    assert "The text of this message is not kept." in code


def test_a_message_of_a_kind_that_is_gone_has_its_subject(dispute: Dispute) -> None:
    make_message(dispute.customer.user, kind="carrier_pigeon", subject="Coo", dedupe_key="old")
    files = unpacked(dispute)
    [text] = [files[name].decode() for name in files if "carrier_pigeon" in name]
    assert "About: Coo" in text


def test_a_message_that_was_never_sent_is_no_evidence(dispute: Dispute) -> None:
    make_message(
        dispute.customer.user, kind="refund_approved", state="skipped", dedupe_key="not wanted"
    )
    assert not [name for name in unpacked(dispute) if "refund_approved" in name]


def test_banks_read_english_whoever_downloads_it(dispute: Dispute) -> None:
    with translation.override("de"):
        shown = unpacked(dispute)["evidence.pdf"]
    assert b"/Lang (en" in shown or b"/Lang(en" in shown


def test_nothing_of_anybody_else_is_in_it(dispute: Dispute) -> None:
    for name, data in unpacked(dispute).items():
        if name != "evidence.pdf":
            assert b"Mallory" not in data, name
            assert b"203.0.113.9" not in data, name
    shown = json.dumps(evidence.content(gather(dispute)))
    assert "Mallory" not in shown
    assert "203.0.113.9" not in shown


def test_the_story_is_told_from_the_records(dispute: Dispute) -> None:
    told = " ".join(narrative(gather(dispute)))
    assert "Alice Archer opened an account with Harbor Yoga on" in told
    assert "they accepted our terms (version 2026-01-01) from the IP address 192.0.2.1." in told
    assert "$29.00 was paid with Visa ending in 4242 for Membership" in told
    assert "The same card made one earlier payment to us" in told
    assert (
        "from the IP address 192.0.2.1. Since the payment, the member has signed in once, including"
        in told
    )
    assert f"The receipt was sent to {dispute.customer.user.email} by email on" in told
    assert "No refund of this payment was requested in the portal, and none was made." in told
    assert "had not been canceled before the payment" in told


def test_refunds_and_cancellations_are_told(dispute: Dispute) -> None:
    customer, payment = dispute.customer, dispute.payment
    Refund.objects.create(
        payment=payment,
        customer=customer,
        amount=900,
        amount_asked=900,
        currency="usd",
        origin="member",
        state="denied",
        created_at=timezone.now() - timedelta(days=5),
    )
    MembershipDecision.objects.create(
        customer=customer,
        subscription=Subscription.objects.get(customer=customer),
        action="cancel",
        actor=customer.user,
        state="confirmed",
    )
    case = gather(dispute)
    told = " ".join(narrative(case))
    assert "A refund of $9.00 was requested on" in told
    assert "its status is denied. No part of this payment was refunded." in told
    assert "The membership was canceled on" in told
    assert table(unpacked(dispute), "refunds.csv")[0]["state"] == "denied"
    [changes] = [
        one for one in evidence.content(case)["sections"] if one["title"].startswith("Cancel")
    ]
    assert [row[1].partition(",")[0] for row in changes["rows"]] == ["Cancel", "Refund of $9.00"]


def test_a_receipt_of_another_payment_or_one_that_did_not_arrive_is_no_proof(
    dispute: Dispute,
) -> None:
    Message.objects.filter(kind="payment_received").update(state="failed")
    make_message(
        dispute.customer.user,
        sent_at=timezone.now(),
        dedupe_key="payment_received:in_later:email",
    )
    told = " ".join(narrative(gather(dispute)))
    assert "receipt" not in told.lower()


def test_an_end_in_stripes_dashboard_before_the_payment_is_not_hidden(dispute: Dispute) -> None:
    ended = dispute.payment.created_at - timedelta(days=20)
    Subscription.objects.filter(customer=dispute.customer).update(canceled_at=ended)
    fresh = Dispute.objects.get(pk=dispute.pk)
    told = " ".join(narrative(gather(fresh)))
    assert "had not been canceled" not in told
    assert "The membership was canceled on" in told


def test_it_claims_nothing_that_is_not_on_record() -> None:
    bare = factories.make_dispute(factories.make_payment(card_last4="", description=""))
    told = " ".join(narrative(gather(bare)))
    for word in ("terms", "code sent", "earlier payment", "sign-in", "receipt", "canceled"):
        assert word not in told, word
    assert unpacked(bare)["evidence.pdf"].startswith(b"%PDF-")


def test_a_payment_that_was_disputed_itself_is_no_proof(dispute: Dispute) -> None:
    [earlier] = gather(dispute).earlier
    factories.make_dispute(earlier, status="lost")
    assert gather(dispute).earlier == []


@pytest.mark.slow
def test_a_long_history_stays_small_and_says_what_it_leaves_out(dispute: Dispute) -> None:
    user = dispute.customer.user
    SignIn.objects.bulk_create(
        SignIn(user=user, ip="2001:db8::1", user_agent=CHROME * 3, method="password, second step")
        for _ in range(1500)
    )
    files = unpacked(dispute)
    assert len(files["evidence.pdf"]) < LARGEST_FOR_STRIPE / 10
    assert len(table(files, "sign-ins.csv")) == 1503
    sections = evidence.content(gather(dispute))["sections"]
    [sign_ins] = [one for one in sections if one["title"].startswith("Sign-ins")]
    assert sign_ins["note"] == "The newest 40 of 1503; all are in sign-ins.csv."


def test_a_spreadsheet_takes_no_cell_as_a_formula(dispute: Dispute) -> None:
    SignIn.objects.create(user=dispute.customer.user, ip="192.0.2.2", user_agent="=HYPERLINK(1)")
    assert table(unpacked(dispute), "sign-ins.csv")[0]["browser"] == "'=HYPERLINK(1)"


def test_words_of_others_are_not_markup_in_the_document(dispute: Dispute) -> None:
    nasty = '#panic("x") *b* $x$ <label> @ref \\ '
    User.objects.filter(pk=dispute.customer.user_id).update(first_name=nasty)
    Message.objects.update(subject=nasty)
    Invoice.objects.update(number=nasty)
    fresh = Dispute.objects.get(pk=dispute.pk)
    assert unpacked(fresh)["evidence.pdf"].startswith(b"%PDF-")


# On the staff site


def url_of(dispute: Dispute) -> str:
    return reverse("admin:billing_dispute_download_evidence", args=[dispute.pk])


@pytest.mark.parametrize("who", [support, auditor])
def test_staff_download_it_and_that_is_written_down(dispute: Dispute, who: object) -> None:
    assert callable(who)
    client = Client()
    user = who()
    client.force_login(user)
    answer = client.get(url_of(dispute))
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"].startswith('attachment; filename="evidence-du_')
    assert "evidence.pdf" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    entry = LogEntry.objects.get(user=user)
    assert (entry.object_id, entry.change_message) == (str(dispute.pk), "Evidence downloaded.")


def test_who_may_not_read_messages_may_not_download_it(dispute: Dispute) -> None:
    clerk = factories.make_member("Clara Clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_dispute"))
    client = Client()
    client.force_login(clerk)
    page = client.get(reverse("admin:billing_dispute_change", args=[dispute.pk])).content.decode()
    assert "Download evidence" not in page
    assert client.get(url_of(dispute)).status_code == 403
    assert not LogEntry.objects.exists()


def test_a_member_may_not_download_it(dispute: Dispute) -> None:
    client = Client()
    client.force_login(dispute.customer.user)
    assert client.get(url_of(dispute)).status_code == 302


def test_a_dispute_that_is_not_there_is_a_404(dispute: Dispute) -> None:
    client = Client()
    client.force_login(staff_world.superuser())
    gone = reverse("admin:billing_dispute_download_evidence", args=[dispute.pk + 1])
    assert client.get(gone).status_code == 404

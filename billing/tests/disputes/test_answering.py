"""Answers to disputes, against the sandbox: drafted, sent once, and what goes wrong on the way."""

from __future__ import annotations

import io
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from pypdf import PdfWriter

from billing import forgetting, tasks
from billing.core import dispute_evidence
from billing.core.statuses import AnswerState
from billing.disputes import answering, answers, files, prefill
from billing.disputes.answering import AnswerError, Draft, NewFile, StillUnderWay
from billing.models import Dispute, DisputeAnswer, EvidenceFile
from billing.tests import factories, staff_world
from billing.tests.life import ASKED_ABOUT_CARD, DISPUTED_CARD, deliver, sign_up, subscribe
from conftest import Sandbox
from members import access_changes
from testing.own_database import at_once

pytestmark = pytest.mark.django_db
STORY = "Alice came to every class. アリスは毎回来ました。"


def pdf(pages: int = 1) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=72, height=72)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def letter(pages: int = 1) -> NewFile:
    content = pdf(pages)
    return NewFile("Письмо.pdf", content, files.check(content))


@pytest.fixture
def dispute(sandbox: Sandbox) -> Dispute:
    """Alice's first payment is disputed, and here."""
    return disputed(sandbox, DISPUTED_CARD)


def disputed(sandbox: Sandbox, card: str) -> Dispute:
    subscribe(sandbox, sign_up(), card)
    sandbox.control("clock", advance_seconds=5)
    deliver(sandbox.events())
    return Dispute.objects.select_related("customer__user", "payment").get()


@pytest.fixture
def bill(db: None) -> User:
    return staff_world.billing()


def drafted(dispute: Dispute, actor: User, **texts: str) -> DisputeAnswer:
    draft = Draft({"uncategorized_text": STORY} | texts, {"customer_communication": letter()})
    return answering.save(dispute, draft, 0, actor)


def at_stripe(sandbox: Sandbox, dispute: Dispute) -> Any:
    return sandbox.stripe.v1.disputes.retrieve(dispute.stripe_id)


# Drafting


def test_a_draft_stays_here(sandbox: Sandbox, dispute: Dispute, bill: User) -> None:
    answer = drafted(dispute, bill)
    assert (answer.stage, answer.state, answer.version) == ("dispute", "draft", 1)
    theirs = at_stripe(sandbox, dispute)
    assert (theirs.evidence.uncategorized_text, theirs.evidence_details.has_evidence) == (
        None,
        False,
    )
    assert sandbox.stripe.v1.files.list().data == []
    changed = Draft({"customer_name": "Alice"}, removed=frozenset({"customer_communication"}))
    again = answering.save(dispute, changed, 1, bill)
    assert (again.pk, again.version, again.texts) == (answer.pk, 2, {"customer_name": "Alice"})
    assert not again.files.exists()


def test_a_second_tab_overwrites_nothing(dispute: Dispute, bill: User) -> None:
    drafted(dispute, bill)
    for shown in (0, 2):
        with pytest.raises(AnswerError, match="changed the draft"):
            answering.save(dispute, Draft({"customer_name": "Bob"}), shown, bill)
    assert DisputeAnswer.objects.get().texts == {"uncategorized_text": STORY}
    with pytest.raises(AnswerError, match="changed the draft"):
        answering.send(dispute, 2, bill)


def test_what_is_too_much_is_not_saved() -> None:
    dispute = factories.make_dispute(factories.make_payment(card_brand="mastercard"))
    actor = staff_world.support()
    long = [name for name, text in dispute_evidence.TEXTS.items() if text.longest > 5000]
    some = dict.fromkeys(long[:7], "x" * 20_000)
    for draft, said in (
        (Draft({"customer_name": "x" * 5_001}), "5,001 characters"),
        (Draft({"product_description": "x" * 20_001}), "20,001 characters"),
        (Draft(some | dict.fromkeys(long[7:], "x" * 20_000)), "160,000 characters"),
        (Draft({}, {"receipt": letter(20)}), "20 pages, and the card’s network takes 19"),
    ):
        with pytest.raises(AnswerError, match=said):
            answering.save(dispute, draft, 0, actor)
    assert not DisputeAnswer.objects.exists()
    answering.save(dispute, Draft(some, {"receipt": letter(19)}), 0, actor)


def test_files_together_have_a_limit() -> None:
    dispute, actor = factories.make_dispute(), staff_world.support()
    large = NewFile("a.png", b"\x89PNG" + bytes(2_500_000), files.Checked("png", 1))
    both = {"receipt": large, "uncategorized_file": large}
    with pytest.raises(AnswerError, match=r"5\.0 MB, and 4\.5 MB are allowed"):
        answering.save(dispute, Draft({}, both), 0, actor)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"Dear bank", "PDF, JPEG, or PNG"),
        (b"%PDF-1.7 torn off", "can’t be opened"),
        (b"\x89PNG\r\n\x1a\n torn off", "PDF, JPEG, or PNG"),
        (pdf() + bytes(4_500_000), "larger than 4.5 MB"),
    ],
)
def test_what_a_bank_cannot_open_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(files.FileError, match=said):
        files.check(content)


def test_a_locked_pdf_is_refused() -> None:
    writer = PdfWriter()
    writer.add_blank_page(width=72, height=72)
    writer.encrypt("secret", algorithm="RC4-128")
    made = io.BytesIO()
    writer.write(made)
    with pytest.raises(files.FileError, match="password"):
        files.check(made.getvalue())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "under_review"}, "has an answer already"),
        ({"status": "lost"}, "is over"),
        ({"status": "warning_closed"}, "is over"),
        ({"status": "appeal_needs_response"}, "Stripe’s dashboard"),
        ({"evidence_due_at": timezone.now() - timedelta(minutes=1)}, "too late"),
    ],
)
def test_what_cannot_be_answered_says_why(fields: dict[str, Any], said: str) -> None:
    dispute = factories.make_dispute(**fields)
    assert said in answers.why_not(dispute)
    with pytest.raises(AnswerError, match=said):
        answering.save(dispute, Draft({"customer_name": "Bob"}), 0, staff_world.billing())


def test_an_inquiry_and_a_dispute_without_a_deadline_can_be_answered() -> None:
    for fields in ({"status": "warning_needs_response"}, {"evidence_due_at": None}):
        assert answers.why_not(factories.make_dispute(**fields)) == ""


# Who may


def test_support_drafts_and_does_not_send(dispute: Dispute) -> None:
    sue = staff_world.support()
    drafted(dispute, sue)
    with pytest.raises(PermissionDenied):
        answering.send(dispute, 1, sue)
    with pytest.raises(PermissionDenied):
        answering.accept(dispute, sue)
    with pytest.raises(PermissionDenied):
        answering.save(dispute, Draft({}), 1, staff_world.auditor())
    assert DisputeAnswer.objects.get().state == "draft"


def test_an_account_that_others_changed_waits_a_day(
    sandbox: Sandbox, dispute: Dispute, bill: User
) -> None:
    drafted(dispute, bill)
    access_changes.record(bill, None, "Granted to the group Billing.", holds=True)
    for decide in (
        partial(answering.send, dispute, 1, bill),
        partial(answering.accept, dispute, bill),
    ):
        with pytest.raises(AnswerError, match="changed"):
            decide()
    assert DisputeAnswer.objects.get().state == "draft"
    assert at_stripe(sandbox, dispute).status == "needs_response"


# Sending


@pytest.mark.slow
def test_the_bank_gets_exactly_the_draft(sandbox: Sandbox, dispute: Dispute, bill: User) -> None:
    staged: Any = {"evidence": {"customer_name": "From the dashboard"}, "submit": False}
    sandbox.stripe.v1.disputes.update(dispute.stripe_id, staged)
    drafted(dispute, bill, service_date="November 2026")
    sent = answering.send(dispute, 1, bill)
    assert (sent.state, sent.asked_by, sent.problem) == ("sent", bill, "")
    assert sent.done_at
    theirs = at_stripe(sandbox, dispute)
    assert (theirs.status, theirs.evidence_details.submission_count) == ("under_review", 1)
    assert theirs.metadata["portal_answer"] == str(sent.key)
    given = {name: value for name, value in theirs.evidence.to_dict().items() if value}
    [file] = sandbox.stripe.v1.files.list().data
    assert given == {
        "uncategorized_text": STORY,
        "service_date": "November 2026",
        "customer_communication": file.id,
    }
    assert (file.purpose, file.filename) == ("dispute_evidence", "Письмо.pdf")
    dispute.refresh_from_db()
    assert (dispute.status, dispute.submission_count) == ("under_review", 1)
    for again in (partial(answering.send, dispute, 1, bill), partial(drafted, dispute, bill)):
        with pytest.raises(AnswerError, match=r"has an answer already|was sent"):
            again()


def test_an_empty_answer_is_not_sent(sandbox: Sandbox, dispute: Dispute, bill: User) -> None:
    with pytest.raises(AnswerError, match="is empty"):
        answering.send(dispute, 0, bill)
    answering.save(dispute, Draft({}), 0, bill)
    with pytest.raises(AnswerError, match="is empty"):
        answering.send(dispute, 1, bill)
    assert at_stripe(sandbox, dispute).status == "needs_response"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_double_click_sends_it_once(sandbox: Sandbox, dispute: Dispute, bill: User) -> None:
    drafted(dispute, bill)
    outcomes = at_once([partial(answering.send, dispute, 1, bill) for _ in range(4)])
    done = [one for one in outcomes if isinstance(one, DisputeAnswer)]
    assert len(done) == 1, outcomes
    assert all(isinstance(one, AnswerError) for one in outcomes if one not in done), outcomes
    theirs = at_stripe(sandbox, dispute)
    assert (theirs.status, theirs.evidence_details.submission_count) == ("under_review", 1)
    assert len(sandbox.stripe.v1.files.list().data) == 1


def test_without_stripe_nothing_is_begun(sandbox: Sandbox, dispute: Dispute, bill: User) -> None:
    drafted(dispute, bill)
    sandbox.control("switches", api_fail=1)
    with pytest.raises(AnswerError, match="Nothing was sent"):
        answering.send(dispute, 1, bill)
    assert DisputeAnswer.objects.get().state == "draft"


def under_way(dispute: Dispute, bill: User) -> DisputeAnswer:
    """Return an answer that somebody sent, as a process leaves it that ends before it asks."""
    answer = drafted(dispute, bill)
    answering._begin(answer, AnswerState.SENDING, bill)
    return answer


@pytest.mark.slow
def test_stripe_away_in_between_is_uncertain_and_tried_again(
    sandbox: Sandbox, dispute: Dispute, bill: User
) -> None:
    answer = under_way(dispute, bill)
    sandbox.control("switches", api_fail=1)
    with pytest.raises(StillUnderWay, match="never sent twice"):
        answering.finish(answer)
    answer.refresh_from_db()
    assert (answer.state, answer.problem) == ("sending", answering.UNCERTAIN)
    for refused in (
        partial(answering.save, dispute, Draft({}), 1, bill),
        partial(answering.send, dispute, 1, bill),
    ):
        with pytest.raises(AnswerError):
            refused()
    sandbox.control("switches", api_fail=0)
    tasks.sweep_dispute_answers()
    answer.refresh_from_db()
    assert answer.state == "sending", "Whoever pressed the button may be at it."
    DisputeAnswer.objects.update(asked_at=timezone.now() - timedelta(minutes=3))
    tasks.sweep_dispute_answers()
    answer.refresh_from_db()
    assert (answer.state, answer.problem) == ("sent", "")
    assert at_stripe(sandbox, dispute).evidence_details.submission_count == 1


@pytest.mark.slow
def test_a_lost_answer_is_found_at_stripe(sandbox: Sandbox, dispute: Dispute, bill: User) -> None:
    answer = under_way(dispute, bill)
    sandbox.control("switches", api_answer_lost=1)
    with pytest.raises(StillUnderWay):
        answering.finish(answer)
    sandbox.control("switches", api_answer_lost=0)
    for _ in range(2):
        done = answering.finish(DisputeAnswer.objects.get())
        assert done.state == "sent"
    assert at_stripe(sandbox, dispute).evidence_details.submission_count == 1


@pytest.mark.slow
def test_answered_in_the_dashboard_meanwhile(
    sandbox: Sandbox, dispute: Dispute, bill: User
) -> None:
    answer = drafted(dispute, bill)
    sandbox.stripe.v1.disputes.update(dispute.stripe_id, {"evidence": {"customer_name": "Bob"}})
    with pytest.raises(AnswerError, match="has an answer already"):
        answering.send(dispute, 1, bill)
    with pytest.raises(AnswerError, match="has an answer already"):
        answering.accept(dispute, bill)
    answering._begin(answer, AnswerState.SENDING, bill)
    with pytest.raises(AnswerError, match="Ours wasn’t sent"):
        answering.finish(answer)
    answer.refresh_from_db()
    assert (answer.state, answer.problem) == ("draft", answering.IN_DASHBOARD)
    assert at_stripe(sandbox, dispute).evidence.uncategorized_text is None


def test_lost_in_the_dashboard_meanwhile(sandbox: Sandbox, dispute: Dispute, bill: User) -> None:
    answer = under_way(dispute, bill)
    sandbox.stripe.v1.disputes.close(dispute.stripe_id)
    with pytest.raises(AnswerError, match="decided before"):
        answering.finish(answer)
    answer.refresh_from_db()
    assert answer.state == "draft"


def test_what_stripe_refuses_is_a_draft_again(
    sandbox: Sandbox, dispute: Dispute, bill: User
) -> None:
    # Stripe counts the pages of the texts, too.
    draft = Draft({"uncategorized_text": STORY}, {"receipt": letter(50)})
    answering.save(dispute, draft, 0, bill)
    with pytest.raises(AnswerError, match="too many pages"):
        answering.send(dispute, 1, bill)
    answer = DisputeAnswer.objects.get()
    assert (answer.state, answer.problem) == ("draft", answering.TOO_MANY_PAGES)
    answering.save(dispute, Draft({"uncategorized_text": STORY}, {"receipt": letter(49)}), 1, bill)
    assert answering.send(dispute, 2, bill).state == "sent"


def test_a_wrong_key_sends_nothing(
    sandbox: Sandbox, dispute: Dispute, bill: User, settings: Any
) -> None:
    answer = under_way(dispute, bill)
    settings.STRIPE_SECRET_KEY = "sk_wrong"
    with pytest.raises(AnswerError, match="Nothing was sent"):
        answering.finish(answer)
    assert DisputeAnswer.objects.get().state == "draft"


@pytest.mark.slow
def test_an_inquiry_is_answered_and_so_is_the_dispute_that_it_becomes(
    sandbox: Sandbox, bill: User
) -> None:
    inquiry = disputed(sandbox, ASKED_ABOUT_CARD)
    with pytest.raises(AnswerError, match="inquiry can’t be accepted"):
        answering.accept(inquiry, bill)
    answering.save(inquiry, Draft({"uncategorized_text": "escalate_inquiry_evidence"}), 0, bill)
    assert answering.send(inquiry, 1, bill).stage == "inquiry"
    sandbox.control("clock", advance_seconds=30)
    deliver(sandbox.events())
    inquiry.refresh_from_db()
    assert (inquiry.status, answers.answer_to(inquiry)) == ("needs_response", None)
    answering.save(inquiry, Draft({"uncategorized_text": "winning_evidence"}), 0, bill)
    assert answering.send(inquiry, 1, bill).stage == "dispute"
    sandbox.control("clock", advance_seconds=30)
    deliver(sandbox.events())
    inquiry.refresh_from_db()
    assert inquiry.status == "won"


# Giving in


@pytest.mark.slow
def test_a_dispute_is_accepted_once(sandbox: Sandbox, dispute: Dispute, bill: User) -> None:
    drafted(dispute, bill)
    done = answering.accept(dispute, bill)
    assert (done.state, done.asked_by) == ("accepted", bill)
    dispute.refresh_from_db()
    assert dispute.status == at_stripe(sandbox, dispute).status == "lost"
    assert sandbox.stripe.v1.files.list().data == []
    with pytest.raises(AnswerError, match=r"is over|accepted already"):
        answering.accept(dispute, bill)


@pytest.mark.slow
def test_accepting_survives_a_lost_answer(sandbox: Sandbox, dispute: Dispute, bill: User) -> None:
    answer = drafted(dispute, bill)
    answering._begin(answer, AnswerState.ACCEPTING, bill)
    sandbox.control("switches", api_answer_lost=1)
    with pytest.raises(StillUnderWay):
        answering.finish(answer)
    sandbox.control("switches", api_answer_lost=0)
    assert answering.finish(DisputeAnswer.objects.get()).state == "accepted"


# What's filled in


def test_what_is_known_is_filled_in(sandbox: Sandbox, dispute: Dispute) -> None:
    known = prefill.texts(dispute)
    assert known["customer_name"] == "Alice Archer"
    assert known["customer_email_address"] == "alice@example.com"
    assert "$29.00" in known["product_description"]
    assert " to " in known["service_date"]
    assert not {"cancellation_rebuttal", "duplicate_charge_id"} & set(known)
    dispute.reason = "subscription_canceled"
    assert "had not been canceled" in prefill.texts(dispute)["cancellation_rebuttal"]
    assert set(known) <= set(dispute_evidence.TEXTS)


def test_a_duplicate_names_the_other_payment() -> None:
    alice = factories.make_customer(factories.make_member("Zoë Łukasiewicz-Ōta"))
    now = timezone.now()
    mine = factories.make_payment(alice, paid_at=now, description="Yoga mat")
    other = factories.make_payment(
        alice, paid_at=now - timedelta(hours=1), description="Yoga block"
    )
    factories.make_payment(alice, paid_at=now, amount=1_000)
    factories.make_payment(alice, paid_at=now, currency="eur")
    factories.make_payment(paid_at=now)
    known = prefill.texts(factories.make_dispute(mine, reason="duplicate", amount=1_000))
    assert known["duplicate_charge_id"] == other.charge_id
    for said in ("Yoga mat", "Yoga block"):
        assert said in known["duplicate_charge_explanation"]
    assert known["customer_name"] == "Zoë Łukasiewicz-Ōta"
    assert "cancellation_rebuttal" not in known


@pytest.mark.parametrize("reason", ["", "fraudulent", "duplicate", "a_new_reason", "general"])
def test_every_reason_has_its_evidence(reason: str) -> None:
    wanted = dispute_evidence.deciding(reason)
    assert {"uncategorized_text", "receipt", "customer_name"} <= set(wanted)
    assert set(wanted) <= set(dispute_evidence.NAMES)
    assert ("duplicate_charge_id" in wanted) == (reason == "duplicate")


# Forgetting


def test_a_closed_account_leaves_only_that_it_was_sent() -> None:
    dispute, bill = factories.make_dispute(), staff_world.billing()
    answer = drafted(dispute, bill)
    DisputeAnswer.objects.update(state="sent", asked_by=bill, done_at=timezone.now())
    forgetting.forget(User.objects.filter(pk=dispute.customer.user_id))
    answer.refresh_from_db()
    assert (answer.texts, answer.state, answer.asked_by) == ({}, "sent", bill)
    assert not EvidenceFile.objects.exists()


def test_what_banks_were_told_is_kept_as_long_as_its_sources(settings: Any) -> None:
    bill, old = staff_world.billing(), timezone.now() - timedelta(days=541)
    kept = {}
    for status, edited_at in (("lost", old), ("lost", timezone.now()), ("under_review", old)):
        dispute = factories.make_dispute()
        answer = drafted(dispute, bill)
        DisputeAnswer.objects.filter(pk=answer.pk).update(edited_at=edited_at)
        Dispute.objects.filter(pk=dispute.pk).update(status=status)
        kept[answer.pk] = edited_at != old or status != "lost"
    forgetting.forget_old()
    for answer in DisputeAnswer.objects.all():
        assert bool(answer.texts) == answer.files.exists() == kept[answer.pk]


def test_an_answer_that_was_emptied_on_its_way_is_not_sent(
    sandbox: Sandbox, dispute: Dispute, bill: User
) -> None:
    answer = under_way(dispute, bill)
    forgetting.forget(User.objects.filter(pk=dispute.customer.user_id))
    answer.refresh_from_db()
    with pytest.raises(AnswerError, match="is empty"):
        answering.finish(answer)
    assert at_stripe(sandbox, dispute).status == "needs_response"

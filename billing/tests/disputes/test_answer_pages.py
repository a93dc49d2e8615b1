"""Answering a dispute on the staff site: the form, the last look, and the history."""

from __future__ import annotations

import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from pypdf import PdfReader
from pytest_django import DjangoAssertNumQueries, Settings

from billing.core.statuses import AnswerState
from billing.disputes import answering
from billing.models import Dispute, DisputeAnswer, EvidenceFile
from billing.notices import announcing
from billing.notices.transitions import DisputeOpened
from billing.tests import factories, staff_world
from billing.tests.disputes.test_answering import bill, dispute, pdf
from billing.tests.staff_world import auditor, billing, finance, signed_in_now, support
from common.forgetting import forget_log
from common.staff import show
from common.traces import Traces
from conftest import Sandbox
from emails import rendering
from emails.models import Message

__all__ = ["bill", "dispute"]
pytestmark = pytest.mark.django_db
LONG = "Ægir " + "Þorláksson-" * 12
MOST_QUERIES = 60


def text_of(answer: Any) -> str:
    page = re.sub(r"(?s)<(script|style).*?</\1>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def answer_page(row: Dispute) -> str:
    return reverse("admin:billing_dispute_answer_it", args=[row.pk])


def look_page(row: Dispute) -> str:
    return reverse("admin:billing_dispute_look", args=[row.pk])


def filled(client: Client, row: Dispute, **typed: Any) -> dict[str, Any]:
    """Return what the form would send as it is, with what's typed."""
    form = client.get(answer_page(row)).context["form"]
    values = {name: form[name].initial for name in form.fields}
    kept = {name: value for name, value in values.items() if value or name == "version"}
    return kept | typed


def png() -> SimpleUploadedFile:
    made = io.BytesIO()
    Image.new("RGB", (20, 20), "white").save(made, "PNG")
    return SimpleUploadedFile("chat with Ægir.png", made.getvalue(), "image/png")


@pytest.fixture
def of_one() -> Dispute:
    """A dispute that Stripe knows nothing of."""
    payment = factories.make_payment(factories.make_customer(factories.make_member(LONG)))
    return factories.make_dispute(payment, reason="product_not_received")


def test_the_form_has_what_matters_and_what_is_known(of_one: Dispute) -> None:
    client = signed_in_now(support())
    page = client.get(answer_page(of_one))
    said = text_of(page)
    assert "9 days left" in said
    assert "$29.00" in said
    assert LONG in said
    main = [field.name for field in page.context["form"].main_texts()]
    assert "shipping_tracking_number" in main
    assert "cancellation_rebuttal" in [one.name for one in page.context["form"].more_texts()]
    assert "Sending it takes a permission that you don’t have" in said


@pytest.mark.slow
def test_from_the_draft_over_the_last_look_to_the_bank(sandbox: Sandbox, dispute: Dispute) -> None:
    client = signed_in_now(billing())
    typed = filled(client, dispute, service_date="All of November", customer_purchase_ip="")
    saved = client.post(
        answer_page(dispute), typed | {"_save": "", "file_customer_communication": png()}
    )
    assert saved["Location"] == answer_page(dispute)
    again = client.get(answer_page(dispute))
    assert "Nothing has been sent to the bank" in text_of(again)
    assert again.context["form"]["service_date"].initial == "All of November"
    names = set(EvidenceFile.objects.values_list("field", flat=True))
    assert names == {"receipt", "uncategorized_file", "customer_communication"}
    for file in EvidenceFile.objects.filter(is_ours=True):
        text = "".join(
            one.extract_text() for one in PdfReader(io.BytesIO(bytes(file.content))).pages
        )
        assert "Alice Archer" in text

    typed = filled(client, dispute, service_date="November 2026", drop_uncategorized_file="on")
    looked = client.post(answer_page(dispute), typed | {"_look": ""}, follow=True)
    said = text_of(looked)
    for shown in ("Last look", "November 2026", "alice@example.com", "chat with Ægir.png"):
        assert shown in said
    assert "2 files" in said
    assert sandbox.stripe.v1.disputes.retrieve(dispute.stripe_id).status == "needs_response"

    version = DisputeAnswer.objects.get().version
    done = text_of(client.post(look_page(dispute), {"version": version}, follow=True))
    assert "Sent to the bank by Bill Billing" in done
    twice = text_of(client.post(look_page(dispute), {"version": version}, follow=True))
    assert "has an answer already" in twice or "was sent" in twice
    theirs = sandbox.stripe.v1.disputes.retrieve(dispute.stripe_id)
    assert (theirs.status, theirs.evidence_details.submission_count) == ("under_review", 1)
    assert (theirs.evidence.service_date, theirs.evidence.uncategorized_file) == (
        "November 2026",
        None,
    )

    page = text_of(client.get(show.page_of(dispute)))
    assert "by Bill Billing" in page
    assert "All of November → November 2026" in page
    assert "Answer sent to the bank." in page
    member = client.get(show.page_of(dispute.customer.user)).content.decode()
    assert "Answer sent to the bank." in html.unescape(member)
    logged = [one.change_message for one in LogEntry.objects.filter(object_repr=str(dispute))]
    assert any(one.startswith("Answer drafted: What happened, ") for one in logged)
    # What a member's data once was goes with the account; that something was done stays.
    forget_log(dispute.customer.user, Traces.of([], [], []))
    logged = [one.change_message for one in LogEntry.objects.filter(content_type__model="dispute")]
    assert logged
    assert not any("November" in one for one in logged)


def test_a_file_is_downloaded_by_those_who_may_see_it(of_one: Dispute) -> None:
    signed = signed_in_now(support())
    signed.post(answer_page(of_one), {"version": 0, "file_receipt": png(), "_save": ""})
    file = EvidenceFile.objects.get()
    url = reverse("admin:billing_dispute_file", args=[of_one.pk, file.pk])
    answer = signed_in_now(auditor()).get(url)
    assert (answer.content, answer["Content-Type"]) == (bytes(file.content), "image/png")
    assert answer["X-Content-Type-Options"] == "nosniff"
    other = reverse("admin:billing_dispute_file", args=[of_one.pk + 1, file.pk])
    assert signed.get(other).status_code == 404
    assert signed_in_now(staff_world.no_role()).get(url).status_code == 403


def test_what_is_wrong_is_said_beside_it_and_nothing_is_saved(of_one: Dispute) -> None:
    client = signed_in_now(support())
    sent = {
        "version": 0,
        "uncategorized_text": "x" * 20_001,
        "shipping_address": "1 Quay",
        "file_receipt": SimpleUploadedFile("a.pdf", b"no pdf"),
        "file_refund_policy": SimpleUploadedFile("b.pdf", b"%PDF-1.7 broken"),
        "_look": "",
    }
    answer = client.post(answer_page(of_one), sent)
    said = text_of(answer)
    assert answer.status_code == 422
    for words in ("20,001 characters", "PDF, JPEG, or PNG file", "can’t be opened", "1 Quay"):
        assert words in said or words in answer.content.decode()
    assert "<details open" in answer.content.decode()
    assert not DisputeAnswer.objects.exists()


def test_line_breaks_count_once(of_one: Dispute) -> None:
    client = signed_in_now(support())
    text = "\r\n".join(["x" * 9_999, "y" * 10_000])
    client.post(answer_page(of_one), {"version": 0, "uncategorized_text": text, "_save": ""})
    assert len(DisputeAnswer.objects.get().texts["uncategorized_text"]) == 20_000


def test_two_tabs_do_not_overwrite_each_other(of_one: Dispute) -> None:
    client = signed_in_now(support())
    first = {"version": 0, "customer_name": "One", "_save": ""}
    assert client.post(answer_page(of_one), first).status_code == 302
    second = client.post(answer_page(of_one), first | {"customer_name": "Two"})
    assert "Somebody has changed the draft" in text_of(second)
    assert "Two" in second.content.decode()
    assert DisputeAnswer.objects.get().texts == {"customer_name": "One"}
    look = signed_in_now(finance()).post(look_page(of_one), {"version": "nonsense"}, follow=True)
    assert look.status_code == 200
    assert DisputeAnswer.objects.get().state == "draft"


def test_who_sees_drafts_and_sends(of_one: Dispute) -> None:
    drafts, sees = signed_in_now(support()), signed_in_now(auditor())
    drafts.post(answer_page(of_one), {"version": 0, "customer_name": "One", "_save": ""})
    assert drafts.post(look_page(of_one), {"version": 1}).status_code == 403
    assert sees.get(answer_page(of_one)).status_code == 403
    assert "Send to the bank" not in text_of(sees.get(look_page(of_one)))
    assert "One" in text_of(sees.get(look_page(of_one)))
    accept = reverse("admin:billing_dispute_accept_it", args=[of_one.pk])
    assert drafts.post(accept, {"_form_submitted": "on"}).status_code == 403
    assert "Send to the bank" in text_of(signed_in_now(finance()).get(look_page(of_one)))
    for client, wanted in ((drafts, True), (sees, False)):
        page = text_of(client.get(show.page_of(of_one)))
        assert ("Answer this dispute" in page.replace("“Answer this dispute”", "")) == wanted
        assert "Accept the dispute" not in page


def test_sending_takes_a_recent_sign_in(of_one: Dispute) -> None:
    user = billing()
    answering.save(of_one, answering.Draft({"customer_name": "One"}), 0, user)
    user.set_password("another")
    user.save()
    client = Client()
    client.force_login(user)
    asked = client.post(look_page(of_one), {"version": 1})
    assert "reauthenticate" in asked["Location"]
    assert DisputeAnswer.objects.get().state == "draft"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "won"}, "The dispute is over"),
        ({"status": "under_review"}, "has an answer already"),
        ({"status": "appeal_needs_response"}, "Stripe’s dashboard"),
        ({"evidence_due_at": timezone.now() - timedelta(hours=1)}, "It’s too late"),
    ],
)
def test_what_cannot_be_answered_says_so(fields: dict[str, Any], said: str) -> None:
    row = factories.make_dispute(**fields)
    client = signed_in_now(billing())
    assert "Accept the dispute" not in text_of(client.get(show.page_of(row)))
    assert said in text_of(client.get(answer_page(row), follow=True))
    assert said in text_of(client.get(look_page(row), follow=True))
    DisputeAnswer.objects.create(
        dispute=row,
        stage="appeal" if "appeal" in row.status else "dispute",
        texts={"customer_name": "One"},
        edited_by=billing(),
        edited_at=timezone.now(),
    )
    looked = text_of(client.get(answer_page(row), follow=True))
    assert said in looked
    assert "Send to the bank" not in looked


def test_an_appeal_says_where_it_is_answered(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["owner@example.com"]
    row = factories.make_dispute(status="appeal_needs_response")
    page = text_of(signed_in_now(billing()).get(show.page_of(row)))
    assert "Appeal: to answer" in page
    assert "The bank wants an appeal, which can’t be answered here. Answer it in Stripe’s" in page
    assert "Choose “Answer this dispute”" not in page
    announcing.announce(DisputeOpened(row, timezone.now()))
    mail = rendering.render_email(Message.objects.get(kind="dispute_opened"))
    assert "An appeal can’t be answered here." in mail.text
    assert "You answer the bank on its page" not in mail.text


def test_an_answer_that_is_not_confirmed_can_be_checked(of_one: Dispute) -> None:
    user = billing()
    answer = answering.save(of_one, answering.Draft({"customer_name": "One"}), 0, user)
    answering._begin(answer, AnswerState.SENDING, user)
    DisputeAnswer.objects.update(problem=answering.UNCERTAIN)
    client = signed_in_now(user)
    said = text_of(client.get(answer_page(of_one), follow=True))
    assert "It’s never sent twice" in said
    assert "Check and try again" in said
    assert "Edit" not in said.split("Bill Billing pressed the button")[1].split("Check and try")[0]


@pytest.mark.slow
def test_a_dispute_is_accepted_after_a_question(sandbox: Sandbox, dispute: Dispute) -> None:
    client = signed_in_now(finance())
    accept = reverse("admin:billing_dispute_accept_it", args=[dispute.pk])
    asked = text_of(client.get(accept))
    assert "nobody can undo that" in asked
    assert "Alice Archer: $29.00" in asked
    assert sandbox.stripe.v1.disputes.retrieve(dispute.stripe_id).status == "needs_response"
    done = text_of(client.post(accept, {"_form_submitted": "on"}, follow=True))
    assert "The money stays with the card’s owner" in done
    assert sandbox.stripe.v1.disputes.retrieve(dispute.stripe_id).status == "lost"
    assert "Accepted by Fay Finance" in text_of(client.get(look_page(dispute)))


def test_an_inquiry_is_answered_and_not_accepted() -> None:
    row = factories.make_dispute(status="warning_needs_response")
    client = signed_in_now(billing())
    page = text_of(client.get(show.page_of(row)))
    assert "Accept the dispute" not in page
    assert client.get(answer_page(row)).status_code == 200


def test_a_closed_account_and_a_part_of_a_payment(of_one: Dispute) -> None:
    user = of_one.customer.user
    user.first_name = user.last_name = user.email = ""
    user.save()
    of_one.customer.closed_at = timezone.now()
    of_one.customer.save()
    Dispute.objects.update(amount=1_000)
    client = signed_in_now(support())
    said = text_of(client.get(answer_page(of_one)))
    assert "The member closed their account" in said
    assert "$10.00 of $29.00" in said
    sent = filled(client, of_one, _look="")
    assert client.post(answer_page(of_one), sent).status_code == 302


def test_the_form_takes_few_queries(
    of_one: Dispute, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in_now(support())
    with django_assert_max_num_queries(MOST_QUERIES):
        client.get(answer_page(of_one))
    client.post(answer_page(of_one), filled(client, of_one, file_receipt=png(), _save=""))
    with django_assert_max_num_queries(MOST_QUERIES):
        client.get(look_page(of_one))


def test_a_file_of_many_pages_is_counted(of_one: Dispute) -> None:
    client = signed_in_now(support())
    long = SimpleUploadedFile("long.pdf", pdf(51), "application/pdf")
    answer = client.post(
        answer_page(of_one), {"version": 0, "file_service_documentation": long, "_save": ""}
    )
    assert "51 pages, and the card’s network takes 50" in text_of(answer)

"""Uploaded files, and the evidence that they are part of."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import stripe
from pypdf import PdfWriter

from sandbox.tests.conftest import Server, event_types, subscribe

DISPUTED = "4000000000000259"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def pdf(pages: int = 1) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=72, height=72)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


@pytest.fixture
def upload(api: stripe.StripeClient) -> Callable[..., stripe.File]:
    def send(content: bytes, name: str = "letter.pdf", **params: Any) -> stripe.File:
        file = io.BytesIO(content)
        file.name = name
        wanted: Any = {"file": file, "purpose": "dispute_evidence"} | params
        return api.v1.files.create(wanted)

    return send


@pytest.fixture
def dispute(server: Server, api: stripe.StripeClient) -> str:
    subscribe(server, api, DISPUTED)
    server.advance_days(0.01)
    return api.v1.disputes.list().data[0].id


def test_a_file_is_kept_and_read_again(
    api: stripe.StripeClient, upload: Callable[..., stripe.File]
) -> None:
    made = upload(pdf(), "Письмо.pdf")
    assert (made.purpose, made.type, made.size) == ("dispute_evidence", "pdf", len(pdf()))
    assert made.filename == "Письмо.pdf"
    again = api.v1.files.retrieve(made.id)
    assert (again.id, again.expires_at) == (made.id, made.expires_at)
    assert [one.id for one in api.v1.files.list({"purpose": "dispute_evidence"}).data] == [made.id]
    with pytest.raises(stripe.InvalidRequestError) as gone:
        api.v1.files.retrieve("file_none")
    assert gone.value.code == "resource_missing"


def test_a_key_makes_one_file(api: stripe.StripeClient) -> None:
    def send(content: bytes) -> str:
        file = io.BytesIO(content)
        file.name = "a.png"
        options: Any = {"idempotency_key": "one-file"}
        return api.v1.files.create({"file": file, "purpose": "dispute_evidence"}, options).id

    assert send(PNG) == send(PNG)
    with pytest.raises(stripe.IdempotencyError):
        send(PNG + b"1")


@pytest.mark.parametrize("content", [b"", b"Dear bank", pdf() + bytes(5 * 1024 * 1024)])
def test_what_a_bank_cannot_read_is_refused(
    upload: Callable[..., stripe.File], content: bytes
) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        upload(content)


def test_a_file_has_a_purpose(upload: Callable[..., stripe.File]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        upload(pdf(), purpose="holiday_pictures")


def test_evidence_takes_files_of_its_purpose(
    api: stripe.StripeClient, dispute: str, upload: Callable[..., stripe.File]
) -> None:
    for name in ("file_none", upload(PNG, purpose="business_logo").id):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            api.v1.disputes.update(dispute, {"evidence": {"receipt": name}, "submit": False})
        assert refused.value.param == "evidence[receipt]"
    receipt = upload(pdf()).id
    sent = api.v1.disputes.update(dispute, {"evidence": {"receipt": receipt}})
    assert (sent.evidence.receipt, sent.status) == (receipt, "under_review")
    assert event_types(api)[-1] == "charge.dispute.updated"
    shown = api.v1.disputes.retrieve(dispute, {"expand": ["evidence.receipt"]})
    assert isinstance(shown.evidence.receipt, stripe.File)
    with pytest.raises(stripe.InvalidRequestError) as twice:
        api.v1.disputes.update(dispute, {"evidence": {"receipt": receipt}})
    assert twice.value.code == "resource_invalid_state"


def test_texts_have_a_limit_each_and_together(api: stripe.StripeClient, dispute: str) -> None:
    def stage(**texts: str) -> None:
        wanted: Any = {"evidence": texts, "submit": False}
        api.v1.disputes.update(dispute, wanted)

    stage(uncategorized_text="x" * 20_000)
    long = ("access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal")
    more = ("duplicate_charge_explanation", "product_description", "refund_policy_disclosure")
    for texts in (
        {"uncategorized_text": "x" * 20_001},
        {"customer_name": "x" * 5_001},
        {"favorite_color": "blue"},
        dict.fromkeys((*long, *more, "refund_refusal_explanation"), "x" * 20_000),
    ):
        with pytest.raises(stripe.InvalidRequestError):
            stage(**texts)
    assert api.v1.disputes.retrieve(dispute).evidence.product_description is None


def test_an_answer_has_a_limit_of_pages(
    api: stripe.StripeClient, dispute: str, upload: Callable[..., stripe.File]
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.v1.disputes.update(
            dispute, {"evidence": {"receipt": upload(pdf(51)).id}, "submit": False}
        )
    assert refused.value.code == "dispute_evidence_page_limit_exceeded"
    api.v1.disputes.update(dispute, {"evidence": {"receipt": upload(pdf(50)).id}})


def test_an_empty_value_takes_back_what_was_staged(api: stripe.StripeClient, dispute: str) -> None:
    api.v1.disputes.update(dispute, {"evidence": {"customer_name": "Bob"}, "submit": False})
    sent = api.v1.disputes.update(dispute, {"evidence": {"customer_name": "", "service_date": "x"}})
    assert (sent.evidence.customer_name, sent.evidence.service_date) == (None, "x")

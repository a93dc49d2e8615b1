"""Answers disputes: uploads evidence, submits it, or gives in."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import stripe
from stripe.params import DisputeUpdateParamsEvidence

from billing.core import idempotency, limits
from billing.stripe.gateway.client import client, translated_errors

# Names our answer in a dispute's metadata.
ANSWER_KEY = "portal_answer"


@dataclass(frozen=True)
class AnswerAtStripe:
    """What a dispute says about its answer; `key` is that of our own, or ""."""

    status: str
    key: str
    submissions: int
    has_evidence: bool


def read_answer(dispute_id: str) -> AnswerAtStripe:
    """Read whether a dispute has been answered, and whether that was us."""
    with translated_errors():
        found = client().v1.disputes.retrieve(dispute_id).to_dict()
        details = found.get("evidence_details") or {}
        return AnswerAtStripe(
            status=found["status"],
            key=(found.get("metadata") or {}).get(ANSWER_KEY, ""),
            submissions=details.get("submission_count") or 0,
            has_evidence=bool(details.get("has_evidence")),
        )


def upload_evidence(name: str, content: bytes, key: str) -> str:
    """Upload a file of evidence, once per key, and return its id.

    Raises:
        StripeRefused: it's too large, or none of the kinds that Stripe takes.
    """
    file = io.BytesIO(content)
    file.name = name
    params: stripe.params.FileCreateParams = {"file": file, "purpose": "dispute_evidence"}
    made_once: stripe.RequestOptions = {"idempotency_key": idempotency.key("evidence-file", key)}
    with translated_errors():
        return client().v1.files.create(limits.sendable(params), made_once).id


def submit_evidence(dispute_id: str, evidence: Mapping[str, str], key: str, tries: int) -> None:
    """Send evidence to the bank, once per key and try: it can't be taken back or changed.

    An empty value takes back what was staged at Stripe under that name.

    Raises:
        StripeRefused: the dispute takes no evidence anymore, or not this; `code` may say which.
    """
    params: stripe.params.DisputeUpdateParams = {
        # Stripe's names; `limits.sendable` cuts none of them.
        "evidence": cast("DisputeUpdateParamsEvidence", {**evidence}),
        "metadata": {ANSWER_KEY: key},
        "submit": True,
    }
    made_once: stripe.RequestOptions = {
        "idempotency_key": idempotency.key("dispute-answer", key, tries)
    }
    with translated_errors():
        client().v1.disputes.update(dispute_id, limits.sendable(params), made_once)


def close_dispute(dispute_id: str, key: str, tries: int) -> None:
    """Give in to a dispute: it's lost for good.

    Raises:
        StripeRefused: it's closed already.
    """
    made_once: stripe.RequestOptions = {
        "idempotency_key": idempotency.key("dispute-close", key, tries)
    }
    with translated_errors():
        client().v1.disputes.close(dispute_id, None, made_once)

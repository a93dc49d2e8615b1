"""What a dispute's answer is, whether it can be given now, and what would be refused."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone

from billing.core import dispute_evidence
from billing.core.dispute_evidence import MOST_BYTES, MOST_CHARACTERS, TEXTS
from billing.core.statuses import DisputeStage, DisputeStatus
from billing.models import Dispute, DisputeAnswer, EvidenceFile

APPEAL = "The bank wants an appeal. Answer that in Stripe’s dashboard."
LATE = "It’s too late: the bank’s time to answer is over."
OVER = "The dispute is over, so there’s nothing to answer."
ANSWERED = "The bank has an answer already, and decides."


def stage_of(dispute: Dispute) -> DisputeStage:
    """Return what the bank wants now."""
    if dispute.is_inquiry:
        return DisputeStage.INQUIRY
    if dispute.status.startswith("appeal_"):
        return DisputeStage.APPEAL
    return DisputeStage.DISPUTE


def answer_to(dispute: Dispute) -> DisputeAnswer | None:
    """Return the answer to what the bank wants now, or wanted last."""
    rows = dispute.answers.select_related("dispute", "edited_by", "asked_by")
    return rows.filter(stage=stage_of(dispute)).first()


def why_not(dispute: Dispute) -> str:
    """Return why a dispute can't be answered here, or ""."""
    if dispute.status == DisputeStatus.APPEAL_NEEDS_RESPONSE:
        return APPEAL
    if not dispute.is_open:
        return OVER
    if not dispute.needs_response:
        return ANSWERED
    if dispute.evidence_due_at and dispute.evidence_due_at <= timezone.now():
        return LATE
    return ""


def problems_of(dispute: Dispute, texts: Mapping[str, str], files: list[EvidenceFile]) -> list[str]:
    """Return what Stripe or the bank would refuse, a sentence each."""
    found = [
        f"{TEXTS[name].label}: {len(text):,} characters, and {TEXTS[name].longest:,} are allowed."
        for name, text in texts.items()
        if len(text) > TEXTS[name].longest
    ]
    if (count := dispute_evidence.characters(texts)) > MOST_CHARACTERS:
        found.append(
            f"All texts together have {count:,} characters, and {MOST_CHARACTERS:,} are allowed."
        )
    if (size := sum(one.size for one in files)) > MOST_BYTES:
        found.append(
            f"All files together have {size / 1e6:.1f} MB, and {MOST_BYTES / 1e6} MB are allowed."
        )
    most = dispute_evidence.most_pages(dispute.payment.card_brand)
    if (pages := sum(one.pages for one in files)) > most:
        found.append(f"All files together have {pages} pages, and the card’s network takes {most}.")
    return found

"""What failed after it was sent, rather than before: what lists filter by and statistics count."""

from __future__ import annotations

from django.db.models import Q

from emails.bounce_reports import Outcome

# Addresses of the list hold these values.
BOUNCED, NOT_SENT = "bounced", "not_sent"
# A mail server's report, or the provider's, and Twilio's last word about a text.
CONDITION = Q(
    provider_status__in=[
        *(Outcome.BOUNCED, Outcome.REFUSED, Outcome.COMPLAINED),
        *("failed", "undelivered"),
    ]
)

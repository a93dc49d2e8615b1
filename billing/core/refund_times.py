"""How long each step of a refund may take before somebody does something, or hears of it (pure)."""

from datetime import timedelta

# Approved, but not at Stripe yet. The longer that lasts, the more people hear of it.
NOT_SENT_SWEEP = timedelta(minutes=2)  # the sweep sends it
NOT_SENT_PAGE = timedelta(minutes=5)  # the member's page stops saying "a few seconds"
NOT_SENT_TASK = timedelta(minutes=10)  # staff find it among their tasks
NOT_SENT_MAIL = timedelta(days=1)  # staff get an email every day
# At Stripe, but not at the bank. Banks usually take up to ten days (Stripe documentation, "Refund
# and cancel payments").
HELD_MAIL = timedelta(days=7)
HELD_TASK = timedelta(days=10)
# Failed, and the money is still here.
FAILED_TASK = timedelta(days=30)

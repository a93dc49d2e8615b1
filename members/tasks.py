"""Scheduled upkeep of the members' records."""

from procrastinate.contrib.django import app

from members import code_limits


@app.periodic(cron="17 4 * * *")
@app.task(queueing_lock="forget_phone_codes")
def forget_phone_codes(timestamp: int) -> None:
    """Forget which codes went where, a week after."""
    code_limits.forget_old()

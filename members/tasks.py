"""Scheduled upkeep of the members' records."""

from procrastinate.contrib.django import app

import billing.forgetting
import emails.forgetting
import portal.forgetting
from members import closing, code_limits, devices, sign_ins


@app.periodic(cron="17 4 * * *")
@app.task(queueing_lock="forget_phone_codes")
def forget_phone_codes(timestamp: int) -> None:
    """Forget which codes went where, a week after."""
    code_limits.forget_old()


@app.periodic(cron="27 4 * * *")
@app.task(queueing_lock="forget_sign_ins")
def forget_sign_ins(timestamp: int) -> None:
    """Forget sign-ins that are older than SIGN_INS_KEPT_DAYS."""
    sign_ins.forget_old()


@app.periodic(cron="37 4 * * *")
@app.task(queueing_lock="forget_devices")
def forget_devices(timestamp: int) -> None:
    """Forget browsers that were not signed in with for DEVICES_KEPT_DAYS."""
    devices.forget_old()


@app.periodic(cron="47 4 * * *")
@app.task(queueing_lock="forget_old_records")
def forget_old_records(timestamp: int) -> None:
    """Forget what is old enough, and what came of people after they had left."""
    closing.forget(closing.closed_users())
    billing.forgetting.forget_old()
    emails.forgetting.forget_old()
    portal.forgetting.forget_old_jobs()
    portal.forgetting.forget_ended_sessions()

"""Scheduled upkeep of members' records."""

from procrastinate.contrib.django import app

import billing.forgetting
import common.forgetting
import emails.forgetting
from members import sign_ins
from members.signin import devices, sms_limits
from portal.backoffice import close_account


@app.periodic(cron="17 4 * * *")
@app.task(queueing_lock="forget_phone_codes")
def forget_phone_codes(timestamp: int) -> None:
    """Delete the record of which codes went where, after a week."""
    sms_limits.forget_old()


@app.periodic(cron="27 4 * * *")
@app.task(queueing_lock="forget_sign_ins")
def forget_sign_ins(timestamp: int) -> None:
    """Delete sign-ins older than SIGN_INS_KEPT_DAYS."""
    sign_ins.forget_old()


@app.periodic(cron="37 4 * * *")
@app.task(queueing_lock="forget_devices")
def forget_devices(timestamp: int) -> None:
    """Delete browsers without a sign-in for DEVICES_KEPT_DAYS."""
    devices.forget_old()


@app.periodic(cron="47 4 * * *")
@app.task(queueing_lock="forget_old_records")
def forget_old_records(timestamp: int) -> None:
    """Delete or empty old records, and what came in about people after they had left."""
    close_account.forget(close_account.closed_users())
    billing.forgetting.forget_old()
    emails.forgetting.forget_old()
    common.forgetting.forget_old_jobs()
    common.forgetting.forget_ended_sessions()

"""Scheduled upkeep of members' records."""

from procrastinate.contrib.django import app

from members import activity, sign_ins
from members.signin import devices, sms_limits


@app.periodic(cron="17 4 * * *")
@app.task(queueing_lock="forget_phone_codes")
def forget_phone_codes(timestamp: int) -> None:
    """Delete the record of which codes went where, after a week."""
    sms_limits.forget_old()


@app.periodic(cron="27 4 * * *")
@app.task(queueing_lock="forget_sign_ins")
def forget_sign_ins(timestamp: int) -> None:
    """Delete sign-ins and changes of accounts older than SIGN_INS_KEPT_DAYS."""
    sign_ins.forget_old()
    activity.forget_old()


@app.periodic(cron="37 4 * * *")
@app.task(queueing_lock="forget_devices")
def forget_devices(timestamp: int) -> None:
    """Delete browsers without a sign-in for DEVICES_KEPT_DAYS."""
    devices.forget_old()

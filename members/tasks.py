"""Scheduled upkeep of the members' records."""

from procrastinate.contrib.django import app

from members import code_limits, devices, sign_ins


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

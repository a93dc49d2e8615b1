"""Scheduled upkeep of members' records."""

from django.contrib.auth.models import User
from procrastinate.contrib.django import app

from emails.models import Channel
from emails.topics import Topic
from members import activity, notification_views, sign_ins
from members.signin import devices, sms_limits


@app.task
def turn_off_emails(user_id: int, topic: str) -> None:
    """Turn off a topic's emails for someone who wrote to the address that does it."""
    user = User.objects.filter(pk=user_id).first()
    if user is not None:
        notification_views.switch(None, user, Topic(topic), Channel.EMAIL, on=False)


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

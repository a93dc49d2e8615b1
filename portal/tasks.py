"""Scheduled upkeep of the whole portal, and of the queue itself."""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app

import billing.forgetting
import business.uploads
import common.forgetting
import emails.forgetting
from business import rules
from common.one_by_one import OneByOne
from common.queue import Backoff
from portal.backoffice import (
    close_account,
    invitations,
    planned_closings,
    problems,
    weekly,
    yesterday,
)
from portal.doctor import recorded
from portal.doctor.jobs import JobName as DoctorJobName
from portal.selfservice import contact, data_exports
from portal.selfservice.jobs import JobName

logger = logging.getLogger(__name__)

EXPORT_BACKOFF = Backoff(max_attempts=5, first=10)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="watch_for_problems")
def watch_for_problems(timestamp: int) -> None:
    """Tell staff about problems of the portal itself, once for as long as each lasts."""
    for problem in problems.watch():
        logger.error("%s", problem.text)


# The sixth field is seconds.
@app.periodic(cron="* * * * * */10")
@app.task(queueing_lock="recover_stalled_jobs", pass_context=True)
async def recover_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Rerun what a killed worker left behind (jobs are safe to run twice)."""
    manager = context.app.job_manager
    silence = settings.STALLED_WORKER_SECONDS
    run = OneByOne()
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=silence):
        logger.warning("Recovering job %s (%s): its worker is gone.", job.id, job.task_name)
        with run.each(f"Job {job.id} ({job.task_name})"):
            await manager.retry_job(job)
    run.finish()


@app.periodic(cron="4 * * * *")
@app.task(queueing_lock="email_numbers", retry=Backoff(max_attempts=5, first=60))
def email_numbers(timestamp: int = 0) -> None:
    """Email the business's numbers on Monday mornings to staff who want them."""
    weekly.send(timezone.now())


@app.periodic(cron="9 * * * *")
@app.task(queueing_lock="email_yesterday", retry=Backoff(max_attempts=5, first=60))
def email_yesterday(timestamp: int = 0) -> None:
    """Email what happened the day before each morning to staff who want it."""
    yesterday.send(timezone.now())


@app.task(name=JobName.MAKE_EXPORT, retry=EXPORT_BACKOFF, pass_context=True)
def make_export(context: JobContext, export_id: str) -> None:
    """Make a copy of a member's data, and email them that it's ready."""
    try:
        data_exports.make(UUID(export_id))
    except Exception:
        if EXPORT_BACKOFF.is_last(context.job.attempts):
            data_exports.fail(UUID(export_id))
        raise


@app.task(name=DoctorJobName.RUN_DOCTOR)
def run_doctor(diagnosis_id: int) -> None:
    """Check everything that the portal depends on, for the staff site."""
    recorded.diagnose(diagnosis_id)


@app.periodic(cron="12 5 * * *")
@app.task(queueing_lock="ask_doctor")
def ask_doctor(timestamp: int) -> None:
    """Have the doctor look every night."""
    recorded.ask()


@app.periodic(cron="23 * * * *")
@app.task(queueing_lock="tend_planned_closings")
def tend_planned_closings(timestamp: int) -> None:
    """Close accounts whose members planned it a week ago, and say what holds others up."""
    planned_closings.tend_all()


@app.periodic(cron="47 4 * * *")
@app.task(queueing_lock="forget_old_records", name="members.tasks.forget_old_records")
def forget_old_records(timestamp: int) -> None:
    """Delete or empty old records, and what came in about people after they had left."""
    close_account.forget(close_account.closed_users())
    data_exports.forget_old()
    contact.forget_old()
    invitations.forget_old()
    billing.forgetting.forget_old()
    emails.forgetting.forget_old()
    common.forgetting.forget_old_jobs(rules.jobs_kept())
    common.forgetting.forget_ended_sessions()
    business.uploads.forget_unused()

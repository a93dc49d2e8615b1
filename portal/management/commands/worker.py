"""`manage.py worker`: run jobs until told to stop, through restarts of the database."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from procrastinate import App
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException

from billing.tasks import check_setup, find_missed_events, refresh_plan
from common.queue import enqueue_once

logger = logging.getLogger("portal.worker")

RECONNECT_SECONDS = 1.0


class Command(BaseCommand):
    """Run the worker. SIGTERM and SIGINT let running jobs finish."""

    help = "Process webhook events and messages until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept the number of jobs to run side by side."""
        parser.add_argument("--concurrency", type=int, default=settings.WORKER_CONCURRENCY)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped."""
        connector = app.connector
        assert isinstance(connector, DjangoConnector)  # noqa: S101  (settings make it so)
        # A second app with the same tasks: jobs that enqueue jobs still use Django's connection,
        # and so stay in the transaction of the rows they write.
        worker_app = App(
            connector=connector.get_worker_connector(),
            import_paths=app.import_paths,
            worker_defaults=app.worker_defaults,
        )
        worker_app.tasks = app.tasks
        worker_app.periodic_registry = app.periodic_registry
        # Find out right at the start: what's on sale, which events we missed, and what isn't set up
        # at Stripe.
        enqueue_once(refresh_plan, "refresh_plan")
        enqueue_once(find_missed_events, "find_missed_events")
        enqueue_once(check_setup, "check_setup")
        asyncio.run(_run_until_stopped(worker_app, options["concurrency"]))


async def _run_until_stopped(worker_app: App, concurrency: int) -> None:
    """Restart the worker whenever it ends without being asked to."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Jobs run in threads: the default pool is smaller than the concurrency on small machines.
    loop.set_default_executor(ThreadPoolExecutor(max_workers=concurrency + 2))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    logger.info("Worker started, %s jobs side by side.", concurrency)
    while not stopped.is_set():
        try:
            await _run_once(worker_app, concurrency, stopped)
        except (ConnectorException, OSError) as error:
            logger.warning("Worker lost the database, trying again: %s", error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), RECONNECT_SECONDS)
    logger.info("Worker stopped.")


async def _run_once(worker_app: App, concurrency: int, stopped: asyncio.Event) -> None:
    """Run the worker until it ends or `stopped` is set, then let running jobs finish."""
    # Schedules are written through Django's connection, which nothing else checks: if it died with
    # the database, every run would end at its first scheduled job.
    await sync_to_async(close_old_connections)()
    async with worker_app.open_async():
        work = asyncio.create_task(
            worker_app.run_worker_async(
                name="portal", concurrency=concurrency, install_signal_handlers=False
            )
        )
        stop = asyncio.create_task(stopped.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not work.done():
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

"""The whole product as real processes: database, web, worker, sandbox, on their own ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

from common.postgres import Cluster, temporary_cluster
from common.postgres.cluster import locked
from testing.bank import Bank
from testing.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PATIENCE_SECONDS = 60
# A look may open pages, and take most of the patience by itself on a busy machine.
LEAST_LOOKS = 5
POLICIES = "SELECT version, rules FROM billing_refundpolicy ORDER BY version DESC"
SAME_POLICY = """
    INSERT INTO billing_refundpolicy (version, currency, rules, note, created_at, created_by_id)
    SELECT (SELECT max(version) + 1 FROM billing_refundpolicy), currency, rules, note, now(),
        created_by_id
    FROM billing_refundpolicy WHERE version = %s
"""
HTTP = httpx.Client(timeout=60, trust_env=False)
Found = TypeVar("Found")


def eventually(
    look: Callable[[], Found | None], what: str, patience: float = PATIENCE_SECONDS
) -> Found:
    """Return the result of `look` as soon as it's truthy."""
    deadline = time.monotonic() + patience
    looks = 0
    while True:
        looks += 1
        seen = look()
        if seen:
            return seen
        is_over = looks >= LEAST_LOOKS and time.monotonic() > deadline
        assert not is_over, f"Waited {patience:g} s and looked {looks} times in vain for {what}."
        time.sleep(0.1)


@dataclass
class Stack:
    """The running product. `processes` may be killed and started again by a test."""

    cluster: Cluster
    log: Path
    # What people type; passkeys need a name.
    name: str = HOST
    web_port: int = field(default_factory=free_port)
    sandbox_port: int = field(default_factory=free_port)
    smtp_port: int = field(default_factory=free_port)
    imap_port: int = field(default_factory=free_port)
    # Where the product is, and the command prefix for its processes.
    folder: Path = ROOT
    through: Sequence[str] = ()
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    # Pictures that staff upload.
    uploads: str = field(default_factory=lambda: tempfile.mkdtemp(prefix="portal-uploads-"))
    # As JSON; known once the sandbox runs.
    bank_keys: str = "{}"
    # Further settings of a test's own.
    more: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The portal's address."""
        return f"http://{self.name}:{self.web_port}"

    @property
    def sandbox_url(self) -> str:
        """The sandbox's address."""
        return f"http://{HOST}:{self.sandbox_port}"

    @property
    def bank(self) -> Bank:
        """The bank of the sandbox, which must be running."""
        return Bank(self.sandbox_url, self.imap_port, HTTP)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a production-like portal that talks to the sandbox."""
        return os.environ | {
            "DATABASE_URL": self.cluster.url,
            "SECRET_KEY": "a-secret-of-the-browser-tests-which-guards-nothing-at-all",
            "DEBUG": "true",
            "DEBUG_PAGES": "false",
            "ALLOWED_HOSTS": f"{HOST},{self.name}",
            "PORTAL_URL": self.url,
            "CSRF_TRUSTED_ORIGINS": self.url,
            "BRAND_NAME": "Harbor Yoga",
            "SUPPORT_EMAIL": "help@harbor-yoga.example",
            "STAFF_EMAIL": "office@harbor-yoga.example",
            "TERMS_URL": "https://harbor-yoga.example/terms",
            "PRIVACY_URL": "https://harbor-yoga.example/privacy",
            "TERMS_VERSION": "2026-01-01",
            "DEFAULT_FROM_EMAIL": "Harbor Yoga <help@harbor-yoga.example>",
            "EMAIL_URL": f"smtp://{HOST}:{self.smtp_port}",
            # Tests run at night, too.
            "QUIET_HOURS": "off",
            "STRIPE_SECRET_KEY": "sk_test_sandbox",
            "STRIPE_WEBHOOK_SECRETS": "whsec_sandbox",
            "STRIPE_PRICE_ID": "price_membership_monthly",
            "STRIPE_YEARLY_PRICE_ID": "price_membership_yearly",
            "ZELLE_PRICE_ID": "price_membership_monthly",
            "ZELLE_YEARLY_PRICE_ID": "price_membership_yearly",
            "LEDGER_HEADS_FILE": "",
            "UPLOADS_DIR": self.uploads,
            "STRIPE_API_BASE": self.sandbox_url,
            "STRIPE_HOSTED_ORIGINS": self.sandbox_url,
            "TWILIO_ACCOUNT_SID": "ACsandbox0000000000000000000000000",
            "TWILIO_AUTH_TOKEN": "sandbox-twilio-token",
            "TWILIO_FROM_NUMBER": "+15005550006",
            "TWILIO_API_BASE": f"{self.sandbox_url}/twilio",
            "BANK_MAIL_URL": f"imap://bank:bank@{HOST}:{self.imap_port}/INBOX",
            "BANK_MAIL_RECIPIENTS": "owner@harbor.example",
            "BANK_MAIL_KEYS": self.bank_keys,
            "SANDBOX_PORT": str(self.sandbox_port),
            "SANDBOX_SMTP_PORT": str(self.smtp_port),
            "SANDBOX_IMAP_PORT": str(self.imap_port),
            "SANDBOX_DATA": "",
            "SANDBOX_WEBHOOK_URL": f"{self.url}/billing/webhook/",
            "SANDBOX_SMS_INBOUND_URL": f"{self.url}/sms/inbound/",
            "WEB_BIND": f"{HOST}:{self.web_port}",
            "WEB_WORKERS": "2",
            "NO_PROXY": f"{HOST},{self.name}",
            "no_proxy": f"{HOST},{self.name}",
            **self.more,
        }

    def manage(self, *arguments: str) -> None:
        """Run a management command to its end."""
        done = self.run("manage.py", *arguments)
        assert done.returncode == 0, done.stderr

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the product's folder, like its processes, and return the output."""
        return subprocess.run(
            [*self.through, sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, name: str) -> None:
        """Start web, worker, or sandbox."""
        commands = {
            "web": ["-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "portal.wsgi"],
            "worker": ["manage.py", "worker"],
            "sandbox": ["-m", "sandbox"],
        }
        is_ours = name != "sandbox"
        with self.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*(self.through if is_ours else ()), sys.executable, *commands[name]],
                cwd=self.folder if is_ours else ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill a process and its children as `kill -9` does."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, name: str) -> None:
        """Stop a process as a supervisor does."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def control(self, path: str, **values: Any) -> Any:
        """Post to one of the sandbox's control addresses."""
        answer = httpx.post(
            f"{self.sandbox_url}/_sandbox/{path}", json=values, timeout=120, trust_env=False
        )
        assert answer.is_success, answer.text
        return answer.json()

    def look(self, path: str) -> Any:
        """Get one of the sandbox's control addresses."""
        answer = httpx.get(f"{self.sandbox_url}/_sandbox/{path}", timeout=60, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def stripe(self, method: str, path: str, **values: str) -> Any:
        """Ask the sandbox's Stripe directly, as its dashboard would."""
        answer = httpx.request(
            method,
            f"{self.sandbox_url}/v1/{path}",
            data=values or None,
            auth=("sk_test_sandbox", ""),
            timeout=60,
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.json()

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement on the portal's database, and return its rows."""
        with psycopg.connect(self.cluster.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def left_as_found(self) -> Iterator[None]:
        """Undo what was changed of what all tests share: the refund policy and the faults played.

        A policy's versions never change, so the one that was in force becomes the newest again.
        """
        switches = self.look("switches")
        policies = self.sql(POLICIES)
        yield
        if self.look("switches") != switches:
            self.control("switches", **switches)
        found = self.sql(POLICIES)
        if found != policies:
            # Before the first is saved, the portal's own becomes version 1.
            before = policies[0][0] if policies else 1
            if found[0][1] != dict(found)[before]:
                self.sql(SAME_POLICY, before)

    def mail_to(self, address: str, subject: str = "") -> list[dict[str, Any]]:
        """Return the mailbox's messages to an address, newest first."""
        answer = httpx.get(
            f"{self.sandbox_url}/_sandbox/mailbox",
            params={"to": address},
            timeout=60,
            trust_env=False,
        )
        mails: list[dict[str, Any]] = answer.json()
        return [mail for mail in mails if subject in mail["subject"]]

    def texts_to(self, number: str) -> list[dict[str, Any]]:
        """Return the text messages to a number, newest first."""
        texts: list[dict[str, Any]] = self.look("phone")
        return [text for text in texts if text["to"] == number]

    def settle(self) -> None:
        """Wait until every event has been delivered and processed, and its messages sent."""
        self.control("idle", timeout=PATIENCE_SECONDS)
        try:
            eventually(lambda: not self._waiting(), "the worker to finish what waits")
        except AssertionError as error:
            raise AssertionError(f"{error} Still there: {self._waiting()[:5]}") from error

    def _waiting(self) -> list[tuple[Any, ...]]:
        """Return the unfinished events and messages, each with its last error."""
        return self.sql(
            "SELECT type, state, attempts, error FROM billing_stripeevent"
            " WHERE state IN ('pending', 'retrying')"
            " UNION ALL SELECT kind, state, attempts, error FROM emails_message"
            " WHERE state IN ('queued', 'sending')"
        )


@contextmanager
def running_stack(log: Path) -> Iterator[Stack]:
    """Start everything, and stop and remove everything afterward."""
    with temporary_cluster() as cluster:
        stack = Stack(cluster, log)
        try:
            # First, so the settings of the others can have its bank's key.
            stack.start("sandbox")
            eventually(lambda: _answers(f"{stack.sandbox_url}/_sandbox/health"), "the sandbox")
            stack.bank_keys = json.dumps(stack.bank.key())
            stack.manage("migrate", "--no-input")
            # The folder for them is the checkout's, and another process may start beside this one.
            with locked(Path(tempfile.gettempdir()) / f"portal-static-{os.geteuid()}.lock"):
                stack.manage("collectstatic", "--no-input")
            for name in ("web", "worker"):
                stack.start(name)
            eventually(lambda: _answers(f"{stack.url}/healthz/"), "the portal")
            yield stack
        finally:
            for name in list(stack.processes):
                stack.stop(name)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False

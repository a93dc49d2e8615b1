"""bin/demo: the whole product on this machine, with the sandbox instead of Stripe and Twilio.

The first start makes a database and a world of members; later starts keep them. `--fresh` starts
over. Everything is in .data/demo, except the database, which is in the embedded PostgreSQL.
"""

import argparse
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx

from common.postgres import (
    CHECKOUT,
    Cluster,
    PostgresError,
    development_cluster,
    embedded_url,
)
from sandbox.identity.keys import client_key

HOST = "127.0.0.1"
# What people type: browsers allow passkeys for a name, but not for a number.
NAME = "localhost"
DATABASE = "portal_demo"
HEALTHY_SECONDS = 90
CLEAR_LINE = "\033[K"
HOME = CHECKOUT / ".data" / "demo"
WORLD = HOME / "sandbox"
SIGN_INS = HOME / "signins.json"
# Written once the seed is complete, with the location of its database.
SEEDED = HOME / "seeded"
LOG = HOME / "demo.log"
LEDGER_HEADS = HOME / "ledger-heads"
FRESH_FILES = (SIGN_INS, SEEDED, LEDGER_HEADS)


class DemoError(Exception):
    """The demo can't continue; the text says why."""


@dataclass
class Choices:
    """What the first start chooses and later starts keep."""

    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(64))
    web_port: int = 8000
    sandbox_port: int = 8010
    smtp_port: int = 8025
    imap_port: int = 8143
    # Signs what the portal sends to the sandbox's Apple.
    apple_key: str = field(default_factory=client_key)

    @classmethod
    def load(cls) -> "Choices":
        path = HOME / "choices.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        known = {choice.name for choice in fields(cls)}
        return cls(**{name: value for name, value in kept.items() if name in known})

    def save(self) -> None:
        path = HOME / "choices.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def take_free_ports(self) -> None:
        """Keep the ports, moving each to the next free one if it's taken."""
        taken: set[int] = set()
        for name in ("web_port", "sandbox_port", "smtp_port", "imap_port"):
            port = _free_port(getattr(self, name), taken)
            taken.add(port)
            setattr(self, name, port)

    @property
    def portal(self) -> str:
        return f"http://{NAME}:{self.web_port}"

    @property
    def sandbox(self) -> str:
        return f"http://{HOST}:{self.sandbox_port}"


def _free_port(wanted: int, taken: set[int]) -> int:
    for port in range(wanted, wanted + 200):
        if port not in taken and _is_free(port) and _reserve(port):
            return port
    raise DemoError(f"No free port was found from {wanted} on.")


def _reserve(port: int) -> bool:
    """Reserve a port for this process: another demo that starts now might choose it too.

    The servers only listen once the database is ready, which takes a while.
    """
    path = Path(tempfile.gettempdir()) / f"portal-demo-{port}.lock"
    try:
        # Not created if it's another user's: some systems forbid that in shared folders.
        descriptor = os.open(path, os.O_RDONLY | (0 if path.exists() else os.O_CREAT), 0o644)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    # It stays open, and with it the lock, until this process ends.
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


# What doesn't depend on the choices: a made-up business, made-up keys.
SETTINGS = {
    "DEBUG": "true",
    "DEBUG_PAGES": "false",
    "ALLOWED_HOSTS": f"{HOST},{NAME}",
    "TRUSTED_PROXIES": "0",
    "BRAND_NAME": "Harbor Yoga",
    "STAFF_EMAIL": "alex.morgan@example.com",
    "TERMS_URL": "https://www.example.com/terms",
    "PRIVACY_URL": "https://www.example.com/privacy",
    "TERMS_VERSION": "2025-10-01",
    "BRAND_COLOR": "#2f5d50",
    "SUPPORT_EMAIL": "help@harbor-yoga.example",
    "DEFAULT_FROM_EMAIL": "Harbor Yoga <help@harbor-yoga.example>",
    "STRIPE_SECRET_KEY": "sk_test_sandbox",
    "STRIPE_WEBHOOK_SECRETS": "whsec_sandbox",
    "STRIPE_PRICE_ID": "price_membership_monthly",
    "STRIPE_YEARLY_PRICE_ID": "price_membership_yearly",
    "ZELLE_PRICE_ID": "price_membership_monthly",
    "ZELLE_YEARLY_PRICE_ID": "price_membership_yearly",
    "LEDGER_HEADS_FILE": str(LEDGER_HEADS),
    "UPLOADS_DIR": str(HOME / "uploads"),
    "TWILIO_ACCOUNT_SID": "ACsandbox0000000000000000000000000",
    "TWILIO_AUTH_TOKEN": "sandbox-twilio-token",
    "TWILIO_FROM_NUMBER": "+15005550006",
    "BANK_MAIL_RECIPIENTS": "owner@harbor-yoga.example",
    "SANDBOX_BANK_RECIPIENT": "owner@harbor-yoga.example",
    "SANDBOX_DATA": str(WORLD),
    "GOOGLE_CLIENT_ID": "harbor-yoga.apps.googleusercontent.example",
    "GOOGLE_CLIENT_SECRET": "sandbox-google-secret",
    "APPLE_CLIENT_ID": "example.harbor-yoga.portal",
    "APPLE_TEAM_ID": "SANDBOX000",
    "APPLE_KEY_ID": "SANDBOXKEY",
    "WEB_WORKERS": "2",
    # Requests to this machine must not go through its proxy.
    "NO_PROXY": f"{HOST},{NAME}",
    "no_proxy": f"{HOST},{NAME}",
    "PYTHONUNBUFFERED": "1",
}


def environment(choices: Choices) -> dict[str, str]:
    """What differs from production: addresses, keys, and a secret, all made up."""
    addresses = {
        "DATABASE_URL": embedded_url(DATABASE),
        "SECRET_KEY": choices.secret_key,
        "PORTAL_URL": choices.portal,
        "CSRF_TRUSTED_ORIGINS": f"{choices.portal},http://{HOST}:{choices.web_port}",
        "EMAIL_URL": f"smtp://{HOST}:{choices.smtp_port}",
        "STRIPE_API_BASE": choices.sandbox,
        "STRIPE_HOSTED_ORIGINS": choices.sandbox,
        "TWILIO_API_BASE": f"{choices.sandbox}/twilio",
        "BANK_MAIL_URL": f"imap://bank:bank@{HOST}:{choices.imap_port}/INBOX",
        "SANDBOX_PORT": str(choices.sandbox_port),
        "SANDBOX_SMTP_PORT": str(choices.smtp_port),
        "SANDBOX_IMAP_PORT": str(choices.imap_port),
        "SANDBOX_WEBHOOK_URL": f"http://{HOST}:{choices.web_port}/billing/webhook/",
        "SANDBOX_SMS_INBOUND_URL": f"{choices.portal}/sms/inbound/",
        "GOOGLE_AUTHORIZE_URL": f"{choices.sandbox}/google/auth",
        "GOOGLE_TOKEN_URL": f"{choices.sandbox}/google/token",
        "APPLE_API_BASE": f"{choices.sandbox}/apple",
        # As people write it into a file of settings.
        "APPLE_PRIVATE_KEY": choices.apple_key.replace("\n", "\\n"),
        # A demo shows every text right away.
        "QUIET_HOURS": "off",
        "WEB_BIND": f"{HOST}:{choices.web_port}",
    }
    return os.environ | SETTINGS | addresses


# Steps before anything runs


def _say(text: str) -> None:
    print(text, flush=True)


def _run(command: Sequence[str], env: dict[str, str], purpose: str) -> None:
    """Run one step. Its output goes to the log; a terminal shows the latest line."""
    with (
        LOG.open("a", buffering=1) as log,
        subprocess.Popen(
            [sys.executable, *command],
            cwd=CHECKOUT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as step,
    ):
        for line in step.stdout or ():
            log.write(line)
            _show_progress(line)
    _show_progress("")
    if step.returncode:
        raise DemoError(f"{purpose} failed; the end of {_shown(LOG)}:\n{_end_of_log()}")


def _show_progress(line: str) -> None:
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{CLEAR_LINE}{line.strip()[:width]}", end="", flush=True)


def _end_of_log(lines: int = 25) -> str:
    return "\n".join(LOG.read_text(errors="replace").splitlines()[-lines:])


def _shown(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def _has_world(cluster: Cluster) -> bool:
    """Whether sandbox and database hold the same finished world (root has its own database)."""
    belongs = SEEDED.exists() and SEEDED.read_text() == str(cluster.home)
    return belongs and cluster.has_database(DATABASE)


def _start_over(cluster: Cluster) -> None:
    """Delete the world: the database, the sandbox's objects, and what the seed left."""
    cluster.drop_database(DATABASE)
    if WORLD.exists():
        shutil.rmtree(WORLD)
    for path in FRESH_FILES:
        path.unlink(missing_ok=True)


def _collect_static(env: dict[str, str]) -> None:
    """Collect static files if a source changed: compressing them takes seconds."""
    marker = HOME / "static"
    sources = _fingerprint_of_static_files()
    collected = (CHECKOUT / "staticfiles" / "staticfiles.json").exists()
    if collected and marker.exists() and marker.read_text() == sources:
        return
    _say("Collecting static files …")
    _run(["manage.py", "collectstatic", "--no-input", "--clear"], env, "Collecting static files")
    marker.write_text(sources)


def _fingerprint_of_static_files() -> str:
    folders = [CHECKOUT / "static", *sorted(CHECKOUT.glob("*/static"))]
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    seen = hashlib.sha256((CHECKOUT / "requirements.txt").read_bytes())
    for path in files:
        seen.update(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}\n".encode())
    return seen.hexdigest()


# The processes


@contextmanager
def _processes(env: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the Procfile's processes with honcho until all of them have ended."""
    # No .env: honcho would let it override the demo's settings.
    command = [sys.executable, "-m", "honcho", "--no-colour", "--env", os.devnull, "start"]
    with LOG.open("ab") as log:
        runner = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # We handle Ctrl-C, and pass it to honcho once.
            start_new_session=True,
        )
    try:
        yield runner
    finally:
        runner.terminate()
        runner.wait()


def _wait_until_healthy(runner: "subprocess.Popen[bytes]", addresses: Sequence[str]) -> None:
    deadline = time.monotonic() + HEALTHY_SECONDS
    waiting = list(addresses)
    while waiting:
        _check_alive(runner)
        if time.monotonic() > deadline:
            missing = ", ".join(waiting)
            raise DemoError(f"No answer from {missing}; the end of the log:\n{_end_of_log()}")
        waiting = [address for address in waiting if not _is_healthy(address)]
        time.sleep(0.1)


def _is_healthy(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _check_alive(runner: "subprocess.Popen[bytes]") -> None:
    if runner.poll() is not None:
        raise DemoError(f"A process stopped; the end of {_shown(LOG)}:\n{_end_of_log()}")


# What people see


def _table(choices: Choices) -> str:
    places = {
        "Portal": f"{choices.portal}/",
        "Staff admin": f"{choices.portal}/staff/",
        "Sandbox": f"{choices.sandbox}/",
        "Mailbox": f"{choices.sandbox}/mailbox/",
        "Phone": f"{choices.sandbox}/phone/",
        "Bank": f"{choices.sandbox}/bank/",
    }
    sign_ins = json.loads(SIGN_INS.read_text())
    first = max(len(name) for name in (*places, *(row["role"] for row in sign_ins)))
    second = max(len(row["email"]) for row in sign_ins)
    rows = [f"  {name:<{first}}  {address}" for name, address in places.items()]
    rows += ["", f"  {'Sign in as':<{first}}  {'Email':<{second}}  Password"]
    for row in sign_ins:
        rows.append(f"  {row['role']:<{first}}  {row['email']:<{second}}  {row['password']}")
    return "\n".join(["", *rows, "", f"  Log: {_shown(LOG)}. Ctrl-C stops everything.", ""])


# The whole


@contextmanager
def _only_one() -> Iterator[None]:
    """Refuse a second demo of one checkout: both would share one database."""
    descriptor = os.open(HOME / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoError(f"The demo is running already: {Choices.load().portal}/") from error
        yield
    finally:
        os.close(descriptor)


def _prepare(choices: Choices, cluster: Cluster) -> None:
    """Make an empty database for a new world; an existing one only needs migrations."""
    cluster.start()
    if not _has_world(cluster):
        _say("Making a new world …")
        _start_over(cluster)
    env = environment(choices)
    _run(["manage.py", "migrate", "--no-input"], env, "Migrating the database")
    _collect_static(env)
    choices.save()


def _bank_keys(env: dict[str, str]) -> str:
    """The setting by which the portal checks the mails of the sandbox's bank, as in DNS."""
    command = [sys.executable, "-m", "sandbox.bank.keys", "--data", str(WORLD)]
    made = subprocess.run(
        command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise DemoError(f"Making the bank's key failed:\n{made.stderr}")
    return made.stdout.strip()


def _serve(choices: Choices, cluster: Cluster) -> NoReturn:
    env = environment(choices)
    env |= {"BANK_MAIL_KEYS": _bank_keys(env)}
    _say("Starting web, worker and sandbox …")
    with _processes(env) as runner:
        healthy = [f"{choices.portal}/healthz/", f"{choices.sandbox}/_sandbox/health"]
        _wait_until_healthy(runner, healthy)
        if not SEEDED.exists():
            _say("Filling it with members and a year of payments …")
            _run(["-m", "demo.seed"], env, "Filling the demo")
            SEEDED.write_text(str(cluster.home))
        _say(_table(choices))
        runner.wait()
        _check_alive(runner)
    raise DemoError("The demo's processes have ended.")


def _stop_database(cluster: Cluster) -> None:
    """Stop the embedded server, unless something else in this checkout uses it."""
    if cluster.is_running() and cluster.client_count() == 0:
        cluster.stop()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Let SIGTERM and a closed terminal end the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def _start(*, fresh: bool) -> NoReturn:
    cluster = development_cluster()
    with _only_one():
        try:
            LOG.write_text("")
            if fresh:
                SEEDED.unlink(missing_ok=True)
            choices = Choices.load()
            choices.take_free_ports()
            _prepare(choices, cluster)
            _serve(choices, cluster)
        finally:
            _stop_database(cluster)


def _what_comes_next() -> str:
    if SEEDED.exists():
        return "Everything is kept: bin/demo goes on where you left it."
    return "The world was not finished: bin/demo makes a new one."


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="start over with a new world")
    chosen = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        HOME.mkdir(parents=True, exist_ok=True)
        _start(fresh=chosen.fresh)
    except KeyboardInterrupt:
        with suppress(BrokenPipeError):
            _say(f"\nStopped. {_what_comes_next()}")
        return 0
    except PermissionError as error:
        remedy = f"remove {HOME.parent}, or run this as that user."
        print(f"{error.filename} belongs to another user: {remedy}", file=sys.stderr)
    except (DemoError, PostgresError) as error:
        print(error, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""The product as a host runs it: production settings, and nothing it can write to.

The checkout, the temporary folder, and everything else are read-only, except the folder of the
container's volume and the units' StateDirectory=, as in deploy/compose.yaml and deploy/*.service.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from common.postgres import temporary_cluster
from e2e.stack import ROOT, Stack, eventually

NAME = "portal.harbor.example"
# A separate mount namespace, in which everything except $STATE is read-only. Root can't be
# restricted any other way: file modes don't bind root.
CLOSE = """
mount --make-rprivate / &&
mount --bind "$STATE" "$STATE" &&
mount --rbind /tmp /tmp && mount -o remount,ro,bind /tmp &&
mount -o remount,ro,bind / &&
cd "$FOLDER" && exec "$@"
"""
DEFER_ALL = """
from procrastinate.contrib.django import app
names = sorted(one.task.name for one in app.periodic_registry.periodic_tasks.values())
for name in names:
    app.configure_task(name, queueing_lock=f"all:{name}").defer(timestamp=0)
print(len(names))
"""
STATEMENT = """
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
member = User.objects.get(email="ines@harbor.example")
client = Client(SERVER_NAME="portal.harbor.example", headers={"x-forwarded-proto": "https"})
client.force_login(member)
answer = client.get(f"/payments/statements/{timezone.now().year}/pdf/")
print(answer.status_code, answer.content[:5])
"""
SPREADSHEET = """
import io
import openpyxl
from common import spreadsheets
answer = spreadsheets.download(["Name", "Count"], [["Ines", 2]], "list", spreadsheets.XLSX)
book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
print(answer.status_code, [cell.value for cell in book.worksheets[0][2]])
"""
VERIFY = """
from django.conf import settings
settings.LEDGER_HEADS_FILE = "ledger/heads"
from billing.models import LedgerCheck
from billing.tasks import verify_ledger
verify_ledger()
print(LedgerCheck.objects.first().problems)
"""
SIGN_UP = """
    INSERT INTO auth_user
        (username, email, password, first_name, last_name, is_active, is_staff, is_superuser,
         date_joined)
    VALUES ('ines', 'ines@harbor.example', '!', 'Ines', 'Hall', true, false, false, now())
    RETURNING id
"""


@dataclass
class ClosedStack(Stack):
    """The product with a real host's settings, under a host name that only it knows."""

    state: Path = Path("/var/lib/portal")
    secret: str = secrets.token_urlsafe(64)

    @property
    def environment(self) -> dict[str, str]:
        """What a supervisor would set, plus the sandbox's settings, without HOME or DEBUG."""
        open_stack = super().environment
        passed_on = re.compile(r"DATABASE_|STRIPE_|TWILIO_|SANDBOX_|WEB_|EMAIL_|NO_PROXY|no_proxy")
        kept = {name: text for name, text in open_stack.items() if passed_on.match(name)}
        return kept | {
            "PATH": os.environ["PATH"],
            "STATE": str(self.state),
            "FOLDER": str(self.folder),
            "SECRET_KEY": self.secret,
            "PORTAL_URL": f"https://{NAME}",
            "SUPPORT_EMAIL": "help@harbor.example",
            "TRUSTED_PROXIES": "1",
            "TWILIO_FROM_NUMBER": "+12075550123",
            "TERMS_URL": "https://www.harbor.example/terms",
            "PRIVACY_URL": "https://www.harbor.example/privacy",
            "LEDGER_HEADS_FILE": str(self.state / "ledger-heads"),
            # It can't reach a host of that name: the hourly job asks for the events.
            "SANDBOX_WEBHOOK_URL": "",
        }

    def get(self, path: str) -> httpx.Response:
        """Request a page as the proxy does."""
        headers = {"Host": NAME, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        return httpx.get(f"{self.url}{path}", headers=headers, timeout=30, trust_env=False)


def copy_as_the_image_does(folder: Path) -> None:
    """Copy what deploy/Dockerfile copies of the checkout."""
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    lines = re.findall(r"^COPY (?!--|requirements)(\S+) (\S+)$", text, re.MULTILINE)
    assert len(lines) >= 8
    for source, target in lines:
        place = folder / source if target == "./" else folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            without = shutil.ignore_patterns("__pycache__", "tests")
            shutil.copytree(ROOT / source, place, ignore=without)
        else:
            shutil.copy(ROOT / source, place)


def closing(folder: Path) -> list[str]:
    """Make the folder read-only; return the command prefix for processes."""
    if os.geteuid() == 0:
        if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
            pytest.skip("Root can't be kept from writing here: unshare is not allowed.")
        return ["unshare", "--mount", "sh", "-c", CLOSE, "sh"]
    for place in [folder, *folder.rglob("*")]:
        place.chmod(place.stat().st_mode & ~0o222)
    return []


def reopen(folder: Path) -> None:
    """Make the folder writable again, so pytest can remove it."""
    for place in [folder, *(one for one in folder.rglob("*") if one.is_dir())]:
        place.chmod(0o700)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClosedStack]:
    """The running product, on a read-only copy of the checkout."""
    home = tmp_path_factory.mktemp("host")
    folder, state = home / "srv", home / "state"
    folder.mkdir()
    state.mkdir()
    copy_as_the_image_does(folder)
    with temporary_cluster() as cluster:
        stack = ClosedStack(cluster, home / "stack.log", folder=folder, state=state)
        # The image is built and the database migrated elsewhere.
        stack.manage("collectstatic", "--no-input")
        stack.manage("migrate", "--no-input")
        stack.through = closing(folder)
        try:
            for name in ("sandbox", "web", "worker"):
                stack.start(name)
            eventually(lambda: _is_up(f"{stack.sandbox_url}/_sandbox/health"), "the sandbox")
            eventually(lambda: _is_up(f"{stack.url}/healthz/"), "the portal")
            yield stack
        finally:
            for name in list(stack.processes):
                stack.stop(name)
            reopen(folder)


def _is_up(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5, trust_env=False).is_success
    except httpx.TransportError:
        return False


def join_and_be_refunded(stack: ClosedStack) -> None:
    """Make a member at Stripe whose first payment was partly refunded."""
    [(user,)] = stack.sql(SIGN_UP)
    owner = {"metadata[portal_user]": str(user)}
    customer = stack.stripe("POST", "customers", email="ines@harbor.example", **owner)["id"]
    session = stack.stripe(
        "POST",
        "checkout/sessions",
        mode="subscription",
        customer=customer,
        success_url=f"https://{NAME}/",
        **{"line_items[0][price]": "price_membership_monthly", "line_items[0][quantity]": "1"},
    )
    stack.control(f"checkout/{session['id']}/complete", card="4242424242424242")
    [payment] = stack.stripe("GET", f"payment_intents?customer={customer}")["data"]
    stack.stripe("POST", "refunds", payment_intent=payment["id"], amount="500")


def run_every_job(stack: ClosedStack) -> None:
    """Enqueue every scheduled job, and wait until all of them have succeeded."""
    done = stack.run("manage.py", "shell", "--command", DEFER_ALL)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) >= 16
    open_jobs = "SELECT task_name, status, attempts FROM procrastinate_jobs"
    eventually(lambda: not stack.sql(open_jobs), "every job to succeed")


def test_nothing_can_be_written(closed: ClosedStack) -> None:
    """Otherwise the other tests would prove nothing."""
    done = closed.run("-c", "open('written', 'w')")
    assert "Error: [Errno" in done.stderr
    assert not (closed.folder / "written").exists()


def test_pages_and_their_files_are_served(closed: ClosedStack) -> None:
    page = closed.get("/accounts/login/")
    assert page.status_code == 200
    sheet = re.search(r'href="(/static/portal\.[0-9a-f]+\.css)"', page.text)
    assert sheet
    assert closed.get(sheet[1]).status_code == 200


@pytest.fixture(scope="module")
def refunded(closed: ClosedStack) -> ClosedStack:
    """Return the product after a member joined and was refunded, with all of its events read."""
    join_and_be_refunded(closed)
    run_every_job(closed)
    closed.settle()
    return closed


def test_every_job_runs_and_the_ledger_is_proved(refunded: ClosedStack) -> None:
    # The events came first: now the ledger's entries are proved.
    run_every_job(refunded)

    [check] = refunded.sql(
        "SELECT entries, compared_with_stripe, head_exported, problems"
        " FROM billing_ledgercheck ORDER BY id DESC LIMIT 1"
    )
    assert check == (1, True, True, [])
    heads = (refunded.state / "ledger-heads").read_text().splitlines()
    assert [line.split()[1] for line in heads] == ["0", "1"]
    assert refunded.mail_to("ines@harbor.example")
    log = refunded.log.read_text()
    assert "Traceback" not in log
    assert "Read-only" not in log
    assert "Permission denied" not in log


def test_a_document_is_made_without_a_disk(refunded: ClosedStack) -> None:
    done = refunded.run("manage.py", "shell", "--command", STATEMENT)
    assert done.stdout.splitlines()[-1:] == ["200 b'%PDF-'"], done.stderr


def test_a_spreadsheet_is_made_without_a_disk(closed: ClosedStack) -> None:
    done = closed.run("manage.py", "shell", "--command", SPREADSHEET)
    assert done.stdout.splitlines()[-1:] == ["200 ['Ines', 2]"], done.stderr


def test_a_head_that_cannot_be_written_is_said_and_stripe_is_asked(closed: ClosedStack) -> None:
    done = closed.run("manage.py", "shell", "--command", VERIFY)
    assert "The head can't be written" in done.stdout, done.stderr
    assert closed.sql(
        "SELECT compared_with_stripe, head_exported FROM billing_ledgercheck"
        " ORDER BY id DESC LIMIT 1"
    ) == [(True, False)]

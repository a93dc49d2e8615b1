"""What's left to set up, and what a check-up's failures do to home."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.models import RefundPolicy, ZelleTerms
from billing.tests import factories
from billing.tests.staff_world import auditor, signed_in_now, superuser
from business.models import BrandVersion
from emails.models import Message
from portal.backoffice import problems
from portal.doctor import first_steps
from portal.doctor.first_steps import SetupFacts, StepState
from portal.models import Diagnosis

pytestmark = pytest.mark.django_db
START = reverse("admin:portal_diagnosis_start")


def finding(key: str, outcome: str, title: str = "") -> dict[str, str]:
    """Return a stored finding."""
    return {"key": key, "title": title or key, "outcome": outcome, "text": "So.", "remedy": ""}


def check_up(*found: dict[str, str], **fields: Any) -> Diagnosis:
    """Record a finished run."""
    return Diagnosis.objects.create(
        findings=list(found), **({"finished_at": timezone.now()} | fields)
    )


def states() -> dict[str, tuple[StepState, str]]:
    """Return each step's state and what it says."""
    listed = first_steps.steps(first_steps.read())
    return {one.title: (one.state, one.says) for one in listed}


def test_an_empty_portal_has_everything_left() -> None:
    superuser()
    found = states()
    left = {title for title, (state, _says) in found.items() if state == StepState.LEFT}
    assert left == {
        *("Your brand", "Stripe", "Email", "Server and backup", "Refund policy"),
        "Your first member",
    }
    assert found["Stripe"][1] == "Not checked yet."
    assert found["Zelle"] == (StepState.OPTIONAL, "Off.")
    assert found["Your team"] == (StepState.OPTIONAL, "Only you so far.")


def test_steps_are_done_by_what_is_there(settings: Settings) -> None:
    owner = superuser()
    auditor()
    BrandVersion.objects.create(version=1, name="Harbor", made_by=owner)
    RefundPolicy.objects.create(version=1, currency="usd", rules={}, created_by=owner)
    ZelleTerms.objects.create(takes_amounts=True, name="Harbor", address="pay@harbor.example")
    factories.make_subscription(factories.make_customer(factories.make_member()))
    settings.TWILIO_ACCOUNT_SID = "AC1"
    check_up(
        finding("stripe.key", "ok"),
        finding("mail.dkim", "warn", "DKIM"),
        finding("texts.carriers", "unknown", "US carriers"),
        finding("data.backup", "fail", "Backup"),
        finding("host.disk", "ok", "Disk space"),
    )
    found = states()
    assert found.pop("Server and backup") == (StepState.LEFT, "It doesn’t work yet: Backup.")
    assert {state for state, _says in found.values()} == {StepState.DONE}
    assert found["Email"][1] == "It works, and something is left to do: DKIM."
    assert found["Text messages"][1] == "Some of it can’t be told from here: US carriers."
    assert found["Your team"][1] == "1 colleague besides you."


def test_the_rules_of_the_portal_itself_are_no_policy_of_the_owner() -> None:
    superuser()
    RefundPolicy.objects.create(version=1, currency="usd", rules={})
    assert states()["Refund policy"][0] == StepState.LEFT


def test_a_run_under_way_is_not_looked_at() -> None:
    superuser()
    check_up(finding("stripe.key", "fail"), finished_at=None)
    assert states()["Stripe"][1] == "Not checked yet."


def test_the_number_of_steps_left() -> None:
    nothing = SetupFacts(None, False, False, 0, False, False, False)
    assert first_steps.left(first_steps.steps(nothing)) == 6


def test_the_page_leads_to_each_step(client: Client) -> None:
    owner = signed_in_now(superuser())
    page = owner.get(START).content.decode()
    assert "6 steps left" in page
    assert "python manage.py setup_stripe" in page
    for step in first_steps.steps(first_steps.read()):
        assert f'href="{step.url}"' in page
    reader = signed_in_now(auditor())
    shown = reader.get(START).content.decode()
    assert "Check everything again" not in shown
    client.force_login(factories.make_member())
    assert client.get(START, follow=True).status_code == 403


def test_home_leads_there_until_somebody_is_a_member() -> None:
    owner = signed_in_now(superuser())
    home = reverse("admin:index")
    assert "See what’s left to set up." in owner.get(home).content.decode()
    factories.make_subscription(factories.make_customer(factories.make_member()))
    assert "See what’s left to set up." not in owner.get(home).content.decode()


def test_what_fails_in_a_check_up_is_a_problem_until_it_works(settings: Settings) -> None:
    settings.STAFF_EMAIL = ["staff@example.com"]
    assert not problems.current()
    run = check_up(finding("mail.dkim", "fail", "DKIM"), finding("mail.spf", "warn", "SPF"))
    [one] = problems.current()
    assert one.text == "The last check-up found what doesn’t work: DKIM."
    assert str(run.pk) in one.url
    assert len(problems.watch()) == 1
    assert Message.objects.get().kind == "problem_found"
    # The same again is no news; another failure is.
    check_up(finding("mail.dkim", "fail", "DKIM"))
    assert not problems.watch()
    check_up(*(finding(f"host.{n}", "fail", f"Check {n}") for n in range(6)))
    [news] = problems.watch()
    assert news.text.endswith("Check 0, Check 1, Check 2, Check 3, and 2 more.")
    check_up(finding("mail.dkim", "ok", "DKIM"))
    assert not problems.current()


def test_what_other_problems_say_is_not_said_twice() -> None:
    check_up(finding("portal.problems", "fail"), finding("portal.ledger", "fail"))
    assert not problems.current()

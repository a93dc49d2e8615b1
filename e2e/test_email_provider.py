"""A member's email by a provider's API: a worker sends it, and staff see that it was delivered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.stack import HTTP, Stack
from e2e.test_second_step import restart_web
from emails.tests.provider_api import SECRET, Api, serving

NINA = "nina@provider.example"
OWNER = "owner@provider.example"
WELCOME = "Welcome to Harbor Yoga"


@contextmanager
def by_postmark(stack: Stack) -> Iterator[Api]:
    """Let the portal send by a provider's API, and by the mail server again afterward."""
    with serving("postmark") as api:
        stack.more = {
            "EMAIL_PROVIDER": "postmark",
            "EMAIL_PROVIDER_SETTINGS": json.dumps(api.settings),
            "EMAIL_WEBHOOK_SECRET": SECRET,
        }
        restart(stack)
        try:
            yield api
        finally:
            stack.more = {}
            restart(stack)


def restart(stack: Stack) -> None:
    """Let worker and web read the settings."""
    stack.stop("worker")
    stack.start("worker")
    restart_web(stack)


def report(stack: Stack, number: str, secret: str = SECRET) -> int:
    """Report a delivery as Postmark does; return the status of the answer."""
    user, _, password = secret.partition(":")
    event = {
        "RecordType": "Delivery",
        "Metadata": {"portal_message": number},
        "Recipient": NINA,
        "DeliveredAt": "2026-11-30T10:00:00Z",
    }
    answer = HTTP.post(f"{stack.url}/email/events/", json=event, auth=(user, password))
    return answer.status_code


def test_a_mail_goes_by_the_providers_api_and_its_delivery_is_shown(
    page: Page, browser: Browser, stack: Stack
) -> None:
    journey.sign_up(page, stack, "Nina Provider", NINA)
    desk = journey.staff_desk(browser, stack, "Olive Owner", OWNER)
    with by_postmark(stack) as api:
        journey.subscribe(page, stack)
        stack.settle()
        [sent] = [one.body for one in api.requests if WELCOME in one.body["Subject"]]
        assert NINA in sent["To"]
        assert "$29.00" in sent["HtmlBody"]
        assert stack.mail_to(NINA, WELCOME) == []
        number = sent["Metadata"]["portal_message"]
        log = f"{stack.url}/staff/emails/message/?q={NINA}"
        row = desk.get_by_role("row").filter(has_text="Joined")

        assert report(stack, number, "portal:somebody-else") == 403
        desk.goto(log)
        expect(row).to_contain_text("Sent")

        assert report(stack, number) == 200
        desk.goto(log)
        expect(row).to_contain_text("Delivered")
    desk.context.close()

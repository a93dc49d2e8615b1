"""Requests to the product that carry Twilio's signature."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from twilio.request_validator import RequestValidator

from sandbox.twilio.store import AUTH_TOKEN

TIMEOUT_SECONDS = 15


@dataclass(frozen=True)
class Answer:
    """What came back; `status` is 0 if there was no answer."""

    status: int
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text_line(self) -> str:
        """The answer in a word or two, for the phone page."""
        return str(self.status) if self.status else self.text


def post(url: str, form: Mapping[str, str]) -> Answer:
    """POST a form signed for this exact URL (Twilio's "Security", validating requests)."""
    signature = RequestValidator(AUTH_TOKEN).compute_signature(url, dict(form))
    headers = {"X-Twilio-Signature": signature, "User-Agent": "TwilioProxy/1.1"}
    try:
        response = httpx.post(url, data=dict(form), headers=headers, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(0, str(error) or type(error).__name__)
    return Answer(response.status_code, response.text)

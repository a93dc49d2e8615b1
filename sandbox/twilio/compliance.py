"""What Twilio says US carriers know: services, campaigns, and toll-free verifications.

As at messaging.twilio.com/v1, which the sandbox answers for under the same base as the rest.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from sandbox.twilio import errors, numbers, store
from sandbox.world import World

Answer = tuple[int, dict[str, Any]]

TOLL_FREE_NUMBER = "+18885550006"
NUMBERS = {numbers.FROM_NUMBER: "PN" + "0" * 32, TOLL_FREE_NUMBER: "PN" + "8" * 32}
SERVICE, CAMPAIGN, VERIFICATION = numbers.SERVICE, "QE" + "0" * 32, "HH" + "0" * 32
CAMPAIGN_STATUSES = {
    "verified": "VERIFIED",
    "in_review": "IN_PROGRESS",
    "refused": "FAILED",
    "suspended": "SUSPENDED",
}
TOLL_FREE_STATUSES = {
    "verified": "TWILIO_APPROVED",
    "in_review": "IN_REVIEW",
    "refused": "TWILIO_REJECTED",
}
REFUSED = "The campaign’s website has no privacy policy"
_REPLIES = {
    "service": os.environ.get("SANDBOX_SMS_INBOUND_URL") or "http://localhost:8000/sms/inbound/",
    "elsewhere": "https://elsewhere.example/sms",
}
_BORN = "2020-01-01T00:00:00Z"


def services(world: World, request: Request, form: Mapping[str, str]) -> Answer:
    """The account's only Messaging Service."""
    registered = world.switches.twilio_registration == "verified"
    only: dict[str, Any] = {
        "sid": SERVICE,
        "account_sid": store.ACCOUNT_SID,
        "friendly_name": "Sandbox",
        "inbound_request_url": _REPLIES.get(world.switches.twilio_replies),
        "inbound_method": "POST",
        "use_inbound_webhook_on_number": world.switches.twilio_replies == "number",
        "us_app_to_person_registered": registered,
        "usecase": "notifications",
        "date_created": _BORN,
        "date_updated": _BORN,
        "url": f"https://messaging.twilio.com/v1/Services/{SERVICE}",
        "links": {},
    }
    return 200, _page(request, "services", [only])


def number_of_service(world: World, request: Request, form: Mapping[str, str]) -> Answer:
    """The service's number, unless the switch says that it belongs to none."""
    sid = request.path_params["sid"]
    is_known = request.path_params["service"] == SERVICE and sid == NUMBERS[numbers.FROM_NUMBER]
    if not is_known or world.switches.twilio_registration == "no_service":
        raise errors.not_found(request.url.path)
    return 200, {
        "sid": sid,
        "account_sid": store.ACCOUNT_SID,
        "service_sid": SERVICE,
        "phone_number": numbers.FROM_NUMBER,
        "country_code": "US",
        "capabilities": ["SMS", "MMS", "Voice"],
        "date_created": _BORN,
        "date_updated": _BORN,
        "url": f"https://messaging.twilio.com/v1/Services/{SERVICE}/PhoneNumbers/{sid}",
    }


def campaigns(world: World, request: Request, form: Mapping[str, str]) -> Answer:
    """The service's campaign, if it has one."""
    status = CAMPAIGN_STATUSES.get(world.switches.twilio_registration)
    if request.path_params["service"] != SERVICE or status is None:
        return 200, _page(request, "compliance", [])
    error = {"error_code": 30909, "description": REFUSED, "fields": ["MESSAGE_FLOW"]}
    only = {
        "sid": CAMPAIGN,
        "account_sid": store.ACCOUNT_SID,
        "messaging_service_sid": SERVICE,
        "brand_registration_sid": "BN" + "0" * 32,
        "campaign_status": status,
        "campaign_id": "CSANDBX",
        "us_app_to_person_usecase": "ACCOUNT_NOTIFICATION",
        "mock": False,
        "errors": [error] if status == "FAILED" else [],
        "date_created": _BORN,
        "date_updated": _BORN,
        "url": f"https://messaging.twilio.com/v1/Services/{SERVICE}/Compliance/Usa2p/{CAMPAIGN}",
    }
    return 200, _page(request, "compliance", [only])


def verifications(world: World, request: Request, form: Mapping[str, str]) -> Answer:
    """The verification of the toll-free number, if one was submitted."""
    status = TOLL_FREE_STATUSES.get(world.switches.twilio_registration)
    number = request.query_params.get("TollfreePhoneNumberSid", NUMBERS[TOLL_FREE_NUMBER])
    if status is None or number != NUMBERS[TOLL_FREE_NUMBER]:
        return 200, _page(request, "verifications", [])
    only = {
        "sid": VERIFICATION,
        "account_sid": store.ACCOUNT_SID,
        "tollfree_phone_number_sid": number,
        "status": status,
        "rejection_reason": REFUSED if status == "TWILIO_REJECTED" else None,
        "date_created": _BORN,
        "date_updated": _BORN,
        "url": f"https://messaging.twilio.com/v1/Tollfree/Verifications/{VERIFICATION}",
    }
    return 200, _page(request, "verifications", [only])


def _page(request: Request, key: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    url = f"https://messaging.twilio.com{request.url.path}"
    links = {"first_page_url": url, "previous_page_url": None, "next_page_url": None}
    return {key: found, "meta": {"key": key, "page": 0, "page_size": 50, "url": url, **links}}


READS: dict[str, Callable[[World, Request, Mapping[str, str]], Answer]] = {
    "/v1/Services": services,
    "/v1/Services/{service}/PhoneNumbers/{sid}": number_of_service,
    "/v1/Services/{service}/Compliance/Usa2p": campaigns,
    "/v1/Tollfree/Verifications": verifications,
}

"""Errors in Stripe's format."""

from typing import Any

from sandbox.world import Json

_UNDOCUMENTED = ("property_expansion_max_depth",)
"""Codes without a page of their own."""


class ApiError(Exception):
    """An error answer: HTTP status, type, message, and whatever else Stripe says."""

    def __init__(self, status: int, kind: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.is_outcome = kind == "card_error"
        """Something came of the request all the same: a try to pay, which is on record."""
        self.details = {name: value for name, value in details.items() if value is not None}

    def body(self, request_id: str) -> Json:
        error: Json = {**self.details, "message": str(self), "type": self.kind}
        if "code" in self.details and self.details["code"] not in _UNDOCUMENTED:
            error["doc_url"] = (
                f"https://stripe.com/docs/error-codes/{self.details['code'].replace('_', '-')}"
            )
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    return ApiError(400, "invalid_request_error", message, param=param, code=code)


def missing(kind: str, object_id: str, *, param: str = "id", status: int = 404) -> ApiError:
    """No such object: 404 if named in the path, 400 if named in a parameter."""
    message = f"No such {kind}: '{object_id}'"
    return ApiError(status, "invalid_request_error", message, param=param, code="resource_missing")


def declined(
    message: str, *, code: str, decline_code: str | None, charge: str | None, intent: Json
) -> ApiError:
    return ApiError(
        402,
        "card_error",
        message,
        code=code,
        decline_code=decline_code,
        charge=charge,
        payment_intent=intent,
    )

"""What Twilio refuses, with its codes, statuses, and messages (twilio.com/docs/api/errors)."""

from starlette.responses import JSONResponse


class TwilioError(Exception):
    """An error that Twilio answers with."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> JSONResponse:
        """The error in the format of Twilio's REST API."""
        return JSONResponse(
            {
                "code": self.code,
                "message": self.message,
                "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
                "status": self.status,
            },
            status_code=self.status,
        )


def unauthenticated() -> TwilioError:
    return TwilioError(401, 20003, "Authenticate")


def not_found(path: str) -> TwilioError:
    return TwilioError(404, 20404, f"The requested resource {path} was not found")


def invalid_to(number: str) -> TwilioError:
    return TwilioError(400, 21211, f"Invalid 'To' Phone Number: {number}")


def opted_out() -> TwilioError:
    return TwilioError(400, 21610, "Attempt to send to unsubscribed recipient")


def foreign_sender(number: str) -> TwilioError:
    return TwilioError(
        400,
        21606,
        f"The 'From' phone number {number} is not a valid, SMS-capable inbound phone number"
        " or short code for your account.",
    )

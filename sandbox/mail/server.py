"""The SMTP server that product code sends its mail to."""

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox import faults
from sandbox.mail import store
from sandbox.world import World

HOST = "127.0.0.1"

# RFC 6531, 3.2: such an address is allowed only with the parameter SMTPUTF8.
BEYOND_ASCII = "553 5.6.7 Must use SMTPUTF8 for an address beyond ASCII"
# What happens to mail for a domain, so failures can be tried out.
SUSPENDED = "554 5.7.1 Your account is suspended. Contact your provider"
BUSY = "451 4.3.0 Mailbox busy, try again later"
REFUSALS = {
    "bounce.example": "550 5.1.1 The address does not exist",
    "busy.example": BUSY,
}


class Postbox:
    """aiosmtpd's handler: accepts every message, except for the domains that refuse."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_EHLO(  # noqa: N802 — aiosmtpd calls it by this name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        if self._world.switches.mail_ascii_only:
            return [line for line in responses if not line.endswith("SMTPUTF8")]
        return responses

    async def handle_MAIL(  # noqa: N802 — aiosmtpd calls it by this name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        mail_options: list[str],
    ) -> str:
        if envelope.smtp_utf8 and self._world.switches.mail_ascii_only:
            return "555 5.5.4 Unsupported option: SMTPUTF8"
        if not (address.isascii() or envelope.smtp_utf8):
            return BEYOND_ASCII
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 — aiosmtpd calls it by this name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        if not (address.isascii() or envelope.smtp_utf8):
            return BEYOND_ASCII
        refusal = REFUSALS.get(address.rpartition("@")[2].lower())
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 — aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self._world.switches.mail_suspended:
            return SUSPENDED
        if faults.strikes(self._world.switches.mail_busy):
            return BUSY
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        mail = store.receive(self._world, raw, envelope.mail_from or "", envelope.rcpt_tos)
        if faults.strikes(self._world.switches.mail_answer_lost):
            _hang_up(server)
        return f"250 2.0.0 OK: kept as {mail['id']}"


def _hang_up(server: SMTP) -> None:
    """Close the connection: the sender never learns that the mail was accepted."""
    if server.transport is not None:
        server.transport.close()


_running: list[Controller] = []


def start(world: World, port: int, host: str = HOST) -> None:
    """Serve SMTP in its own thread. Raises OSError if the port is taken."""
    controller = Controller(Postbox(world), hostname=host, port=port, ident="Sandbox mail")
    controller.start()
    _running.append(controller)


def stop() -> None:
    """Close the server's port."""
    while _running:
        _running.pop().stop()

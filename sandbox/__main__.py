"""`python -m sandbox`: serve a local Stripe, Twilio, mailbox, bank, Google, and Apple."""

import argparse
import os
from collections.abc import Sequence

import uvicorn

from sandbox.app import build
from sandbox.world import World


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    options = _parser().parse_args(arguments)
    world = World.load(options.data)
    world.base_url = options.url or f"http://{options.host}:{options.port}"
    world.bank_recipient = options.bank_recipient
    uvicorn.run(
        build(world, smtp_port=options.smtp_port, imap_port=options.imap_port),
        host=options.host,
        port=options.port,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )


def _parser() -> argparse.ArgumentParser:
    environment = os.environ.get
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default=environment("SANDBOX_HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=environment("SANDBOX_PORT", "8010"))
    parser.add_argument("--smtp-port", type=int, default=environment("SANDBOX_SMTP_PORT", "8025"))
    parser.add_argument("--imap-port", type=int, default=environment("SANDBOX_IMAP_PORT", "8143"))
    parser.add_argument(
        "--bank-recipient",
        default=environment("SANDBOX_BANK_RECIPIENT", "owner@harbor.example"),
        help="the address that the bank sends its mails to",
    )
    parser.add_argument(
        "--data",
        default=environment("SANDBOX_DATA", ""),
        help="folder that keeps the world; without one it lives in memory only",
    )
    parser.add_argument(
        "--url",
        default=environment("SANDBOX_URL", ""),
        help="where browsers reach the hosted pages, if not at the host and port",
    )
    return parser


if __name__ == "__main__":
    main()

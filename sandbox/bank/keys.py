"""The keys that sign the bank's mails: its own, and that of somebody who forges them.

`python -m sandbox.bank.keys --data FOLDER` prints the DNS records of the bank's key as JSON, and
makes the key if there's none: a launcher needs them before the sandbox runs.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

DOMAIN = "chase.com"
SELECTOR = "sandbox1"
SIGNED = (
    *(b"from", b"to", b"subject", b"date", b"message-id"),
    *(b"mime-version", b"content-type"),
)
FILE = "bank-key.pem"


def own(folder: Path | None) -> bytes:
    """The bank's private key in PEM. It stays the same as long as its folder does, or else as
    long as the process: emptying the sandbox doesn't change it."""
    return _kept(folder / FILE) if folder else _in_memory("bank")


def of_a_forger() -> bytes:
    """A private key that nobody publishes."""
    return _in_memory("forger")


def _kept(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_bytes(_new())
        try:
            # Whoever comes first wins: the launcher and the sandbox may both want one.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()


@cache
def _in_memory(_owner: str) -> bytes:
    return _new()


def _new() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def records(private: bytes) -> dict[str, str]:
    """The TXT records of a key, by their names in DNS."""
    public = serialization.load_pem_private_key(private, None).public_key()
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    written = base64.b64encode(der).decode()
    return {f"{SELECTOR}._domainkey.{DOMAIN}": f"v=DKIM1; k=rsa; p={written}"}


def sign(message: bytes, private: bytes, domain: str = DOMAIN) -> bytes:
    """The message with a signature in front, as Chase signs."""
    present = {
        line.partition(b":")[0].strip().lower()
        for line in message.partition(b"\r\n\r\n")[0].split(b"\r\n")
    }
    signature: bytes = dkim.sign(
        message,
        SELECTOR.encode(),
        domain.encode(),
        private,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[name for name in SIGNED if name in present],
    )
    return signature + message


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the DNS records of the bank's key."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.bank.keys", description=main.__doc__)
    parser.add_argument("--data", required=True, type=Path, help="the sandbox's folder")
    print(json.dumps(records(own(parser.parse_args(arguments).data))))


if __name__ == "__main__":
    main()

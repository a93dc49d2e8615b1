"""RSA keys that sign mails (DKIM, RFC 6376): read, and as DNS publishes them (pure)."""

from __future__ import annotations

import base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

# Receivers don't count less (RFC 8301, 3.2).
LEAST_BITS = 1024


class DkimKeyError(ValueError):
    """The text is no key that we can sign with. The message is the end of a sentence."""


def pem(text: str) -> str:
    r"""Return a key as files hold it; settings on one line write its line ends as \n."""
    return text.strip().replace("\\n", "\n")


def public(text: str) -> str:
    """Return a private key's public one, as `p=` of its record has it.

    Raises:
        DkimKeyError: it isn't an RSA key of a length that counts.
    """
    try:
        key = serialization.load_pem_private_key(pem(text).encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without the error's own words, which may repeat the key.
        raise DkimKeyError("isn't a private key in PEM without a password.") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise DkimKeyError("must be an RSA key: many mail programs check no others.")
    if key.key_size < LEAST_BITS:
        raise DkimKeyError(f"is too short: use 2048 bits, not {key.key_size}.")
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def published(record: str) -> str:
    """Return the key in a TXT record of DKIM, or "" if it has none or was revoked."""
    tags = dict(tag.partition("=")[::2] for tag in record.replace(" ", "").split(";"))
    return tags.get("p", "")

"""Keeps files at a service that speaks S3, and doesn't wait long for one that's down."""

from __future__ import annotations

from typing import Any

from botocore.config import Config
from storages.backends.s3 import S3Storage

# A page waits for it: a picture that comes late is worse than one that's missing.
WAITS = {"connect_timeout": 3, "read_timeout": 10, "retries": {"max_attempts": 2}}


class Storage(S3Storage):  # type: ignore[misc]  # it ships no types
    """Any S3-compatible service; signature version 4, which all of them take."""

    def get_default_settings(self) -> dict[str, Any]:
        """Add our timeouts."""
        config = Config(signature_version="s3v4", **WAITS)
        return {**super().get_default_settings(), "client_config": config}

"""Writes a database of networks and places as MaxMind's specification (version 2.0) says."""

from __future__ import annotations

import struct
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

STRING, MAP, ARRAY, UINT16, UINT32, UINT64 = 2, 7, 11, 5, 6, 9
PORTLAND = {
    "city": {"names": {"en": "Portland", "de": "Portland (Maine)"}},
    "subdivisions": [{"iso_code": "ME", "names": {"en": "Maine"}}],
    "country": {"iso_code": "US", "names": {"en": "United States", "de": "USA"}},
}


def write(path: Path, network: str, record: dict[str, Any]) -> Path:
    """Write a file that knows one network."""
    wanted = IPv4Network(network)
    bits = f"{int(wanted.network_address):032b}"[: wanted.prefixlen]
    count = len(bits)
    tree = b""
    for depth, bit in enumerate(bits):
        # The record's place behind the tree and the 16 bytes that end it.
        further = depth + 1 if depth + 1 < count else count + 16
        pair = (further, count) if bit == "0" else (count, further)
        tree += b"".join(number.to_bytes(3, "big") for number in pair)
    metadata = {
        "node_count": (UINT32, count),
        "record_size": (UINT16, 24),
        "ip_version": (UINT16, 4),
        "database_type": "Test-City",
        "languages": ["en", "de"],
        "binary_format_major_version": (UINT16, 2),
        "binary_format_minor_version": (UINT16, 0),
        "build_epoch": (UINT64, 1_700_000_000),
        "description": {"en": "A test"},
    }
    path.write_bytes(
        tree + bytes(16) + encoded(record) + b"\xab\xcd\xefMaxMind.com" + encoded(metadata)
    )
    return path


def encoded(value: Any) -> bytes:
    """Encode maps, lists, texts, and numbers (a type and the number)."""
    if isinstance(value, dict):
        return _control(MAP, len(value)) + b"".join(
            encoded(key) + encoded(one) for key, one in value.items()
        )
    if isinstance(value, list):
        return _control(ARRAY, len(value)) + b"".join(map(encoded, value))
    if isinstance(value, str):
        return _control(STRING, len(value.encode())) + value.encode()
    kind, number = value
    raw = struct.pack(">Q", number).lstrip(b"\0")
    return _control(kind, len(raw)) + raw


def _control(kind: int, size: int) -> bytes:
    assert size < 285
    length, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    if kind > 7:
        return bytes([length, kind - 7]) + more
    return bytes([kind << 5 | length]) + more

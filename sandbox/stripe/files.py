"""Uploaded files: what is taken for which purpose, and how many pages a bank would read."""

from __future__ import annotations

import base64
import re
import zlib

from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import private
from sandbox.stripe.periods import DAY
from sandbox.world import Json, World

EVIDENCE = "dispute_evidence"
PURPOSES = (EVIDENCE, "business_logo", "business_icon", "customer_signature", "identity_document")
_BEGINNINGS = {b"%PDF-": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg"}
_LARGEST = 5 * 1024 * 1024
"""Bytes of a file of evidence, by Stripe's guide to uploads."""
_KEPT = 270 * DAY
_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)


def create(world: World, upload: Json, purpose: str) -> Json:
    """Keep a file, if Stripe would."""
    content = base64.b64decode(upload["content"] or "")
    kind = next((name for start, name in _BEGINNINGS.items() if content.startswith(start)), "")
    if not content:
        raise invalid("The file you uploaded is empty.", param="file")
    if purpose == EVIDENCE:
        if not kind:
            raise invalid(
                "Only files of the following types are allowed for this purpose: pdf, jpg, png.",
                param="file",
            )
        if len(content) > _LARGEST:
            message = f"The file you uploaded is {len(content)} bytes, and only 5MB are allowed."
            raise invalid(message, param="file", code="file_too_large")
    file_id = world.new_id("file_1")
    file: Json = {
        "id": file_id,
        "object": "file",
        "created": world.now(),
        "expires_at": world.now() + _KEPT if purpose == EVIDENCE else None,
        "filename": upload["filename"] or file_id,
        "links": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/file_links?file={file_id}",
        },
        "purpose": purpose,
        "size": len(content),
        "title": None,
        "type": kind or None,
        "url": f"{world.base_url}/v1/files/{file_id}/contents",
    }
    private(file)["pages"] = _pages(content) if kind == "pdf" else 1
    world.objects.put(file)
    return file


def find(world: World, file_id: str) -> Json:
    """The file of an id in an address."""
    file = world.objects.get(file_id)
    if file is None or file["object"] != "file":
        raise missing("file upload", file_id)
    return file


def of_evidence(world: World, file_id: str, param: str) -> Json:
    """The file that evidence names."""
    file = world.objects.get(file_id)
    if file is None or file["object"] != "file":
        raise missing("file upload", file_id, param=param, status=400)
    if file["purpose"] != EVIDENCE:
        raise invalid(
            f"The file `{file_id}` has the purpose `{file['purpose']}`, "
            f"but evidence has to have the purpose `{EVIDENCE}`.",
            param=param,
        )
    return file


def pages(file: Json) -> int:
    """How many pages a file has."""
    count: int = private(file)["pages"]
    return count


def _pages(content: bytes) -> int:
    """Count a PDF's pages; newer ones keep their objects in compressed streams."""
    found = len(_PAGE.findall(content))
    for stream in _STREAM.findall(content):
        try:
            found += len(_PAGE.findall(zlib.decompress(stream)))
        except zlib.error:
            # A picture or a font.
            continue
    return max(found, 1)

"""Uploads that people and attackers make: pictures of all kinds, and what only claims to be one."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, ImageDraw


def logo(
    size: tuple[int, int] = (200, 100), color: str = "#2f5d50", kind: str = "PNG", back: str = ""
) -> bytes:
    """Return a disc, on nothing or on a background."""
    mode = "RGB" if kind == "JPEG" else "RGBA"
    picture = Image.new(mode, size, back or ("#ffffff" if mode == "RGB" else (0, 0, 0, 0)))
    ImageDraw.Draw(picture).ellipse((0, 0, size[0] - 1, size[1] - 1), fill=color)
    return encoded(picture, kind)


def photo(size: tuple[int, int] = (1200, 800), kind: str = "JPEG", **options: object) -> bytes:
    """Return a picture of sky over land: the upper half is blue."""
    picture = Image.new("RGB", size, "#3a7d5c")
    ImageDraw.Draw(picture).rectangle((0, 0, size[0], size[1] // 2), fill="#7fb0e0")
    return encoded(picture, kind, **options)


def turned_photo() -> bytes:
    """Return a photo as phones make it: on its side, with a note to turn it, and a place."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right
    exif[0x010E] = "SECRET PLACE 43.66 N"
    picture = Image.new("RGB", (900, 700), "#3a7d5c")
    return encoded(picture, "JPEG", exif=exif)


def animated(kind: str) -> bytes:
    """Return a moving picture."""
    frames = [Image.new("RGB", (100, 100), color) for color in ("red", "green")]
    target = io.BytesIO()
    frames[0].save(target, kind, save_all=True, append_images=frames[1:])
    return target.getvalue()


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """Return a small file that unfolds to gigabytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Return a picture's file."""
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def svg(inside: str, attributes: str = 'viewBox="0 0 200 100"', before: str = "") -> bytes:
    """Return an SVG."""
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"{before}<svg {namespaces} {attributes}>{inside}</svg>".encode()


LAUGHS = "".join(f'<g id="g{n}">' + f'<use href="#g{n - 1}"/>' * 10 + "</g>" for n in range(1, 12))
ENTITIES = (
    '<!DOCTYPE svg [<!ENTITY a0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    + "]>"
)
DISC = '<circle cx="100" cy="50" r="48" fill="#2f5d50"/>'
HOSTILE_SVGS = {
    "a file of the machine": svg('<image href="/etc/passwd" width="9" height="9"/>'),
    "a file by its address": svg('<image xlink:href="file:///etc/passwd"/>'),
    "a picture elsewhere": svg('<image href="http://127.0.0.1:9/x.png"/>'),
    "a stylesheet elsewhere": svg("<style>@import url(http://127.0.0.1:9/x.css);</style>" + DISC),
    "a fill elsewhere": svg('<rect width="9" height="9" fill="url(http://127.0.0.1:9/x#y)"/>'),
    "an SVG in an SVG": svg('<image href="data:image/svg+xml;base64,PHN2Zy8+"/>'),
    "repeating itself": svg(f'<g id="g0">{DISC}</g>{LAUGHS}<use href="#g11"/>'),
    "using itself": svg('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>'),
    "entities": svg("<text>&a8;</text>", before=ENTITIES),
    "an outer entity": svg(
        "<text>&x;</text>", before='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    ),
    "very deep": svg("<g>" * 5000 + "</g>" * 5000),
    "very many": svg(DISC * 20_000),
    "torn": svg(DISC)[:-20],
    "another encoding": svg(DISC).decode().encode("utf-16"),
    "no drawing": b"<html><svg></svg></html>",
    "nothing in it": svg(""),
    "too large": svg(DISC + "<!--" + "x" * 600_000 + "-->"),
}
EVIL_SCRIPT = svg(
    f'<script>alert(1)</script><g onclick="alert(2)">{DISC}</g>'
    '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><iframe/></body></foreignObject>'
)

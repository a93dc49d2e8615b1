"""Draws an SVG as PNG, so no SVG from outside is ever served.

An SVG is a program for whoever shows it: it may run scripts, load files, and repeat itself a
million times. We refuse what we don't need of it, and draw the rest in a process of its own that
may use little memory and time. Typst's renderer runs no scripts and asks no network.

`python -m business.drawing` reads an SVG from standard input and writes a PNG to standard output.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from django.utils.translation import gettext as _

LARGEST = 512 * 1024  # bytes
MOST_ELEMENTS = 5_000
DEEPEST = 60
# With the width in drawing.typ: 1,200 pixels.
PPI = 144
SECONDS = 10
MEMORY = 1024 * 1024 * 1024  # bytes of address space
SVG = "{http://www.w3.org/2000/svg}"
HREFS = ("href", "{http://www.w3.org/1999/xlink}href")
# `url(…)` with something else than a part of the same drawing.
ELSEWHERE = re.compile(r"""url\(\s*['"]?\s*(?!#|['"]?#)|@import""", re.IGNORECASE)
EMBEDDED = re.compile(r"data:image/(png|jpeg|webp);base64,", re.IGNORECASE)
ROOT = Path(__file__).resolve().parent
SOURCE = ROOT / "drawing.typ"


class DrawingError(ValueError):
    """The SVG can't be used, with a sentence for its owner."""


def is_svg(content: bytes) -> bool:
    """Whether a file means to be an SVG."""
    return b"<svg" in content[:4096].lower() and not content.startswith(b"\x89PNG")


def draw(content: bytes) -> bytes:
    """Return an SVG as PNG.

    Raises:
        DrawingError: it's too large, refers to other files, or can't be drawn.
    """
    text = checked(content)
    command = [sys.executable, "-m", "business.drawing"]
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            capture_output=True,
            timeout=SECONDS,
            cwd=ROOT.parent,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DrawingError(too_complex()) from error
    if done.returncode or not done.stdout:
        raise DrawingError(
            too_complex()
            if done.returncode < 0
            else _("This SVG can’t be drawn. Export it again, or upload a PNG.")
        )
    return done.stdout


def too_complex() -> str:
    """Say that an SVG takes too long or too much memory."""
    return _("This SVG is too complex. Simplify it, or upload a PNG.")


def _limit() -> None:
    """Limit this process, before it reads anything."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def checked(content: bytes) -> str:
    """Return an SVG's text if it's harmless and of a sensible size.

    Raises:
        DrawingError: it isn't.
    """
    if len(content) > LARGEST:
        raise DrawingError(
            _("This SVG is larger than %(kb)s KB. Simplify it, or upload a PNG.")
            % {"kb": LARGEST // 1024}
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DrawingError(_("Save the SVG as UTF-8.")) from error
    # The rest is Unicode text already, so whatever encoding it claims doesn't matter.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    _parse(text)
    return text


def _parse(text: str) -> None:
    """Refuse entities while reading: a few of them can unfold into gigabytes."""
    builder = ElementTree.TreeBuilder()
    depth = count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > DEEPEST or count > MOST_ELEMENTS:
            raise DrawingError(too_complex())
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = _refuse_entities
    parser.buffer_text = True
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise DrawingError(_("This SVG is damaged. Export it again.")) from error
    _check_elements(builder.close())


def _refuse_entities(*_declaration: object) -> None:
    raise DrawingError(
        _("This SVG declares entities, which we don’t read. Export it as plain SVG.")
    )


def _check_elements(root: ElementTree.Element) -> None:
    if _name(root.tag) != "svg":
        raise DrawingError(_("This file isn’t an SVG."))
    for element in root.iter():
        if _name(element.tag) == "style" and ELSEWHERE.search("".join(element.itertext())):
            raise DrawingError(_elsewhere())
        for name, value in element.attrib.items():
            if _name(name) == "href" and not _is_inside(value):
                raise DrawingError(_elsewhere())
            if ELSEWHERE.search(value) and not EMBEDDED.match(value):
                raise DrawingError(_elsewhere())
    if _drawn(root) > MOST_ELEMENTS:
        raise DrawingError(too_complex())


def _elsewhere() -> str:
    return _("This SVG refers to another file. Export it with everything embedded.")


def _is_inside(address: str) -> bool:
    address = address.strip()
    return address.startswith("#") or bool(EMBEDDED.match(address))


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]


def _drawn(root: ElementTree.Element) -> int:
    """Return how many elements are drawn, with those that others repeat (`use`).

    Ten elements that each use the one before ten times would be ten billion.
    """
    by_id = {name: one for one in root.iter() if (name := one.get("id"))}
    known: dict[int, int] = {}
    open_now: set[int] = set()

    def count(element: ElementTree.Element) -> int:
        key = id(element)
        if key in known:
            return known[key]
        if key in open_now:
            raise DrawingError(too_complex())
        open_now.add(key)
        total = 1 + sum(map(count, element))
        target = by_id.get(_used(element))
        if target is not None:
            total += count(target)
        open_now.discard(key)
        known[key] = total
        return total

    return _bounded(lambda: count(root))


def _bounded(work: Callable[[], int]) -> int:
    try:
        return work()
    except RecursionError as error:
        raise DrawingError(too_complex()) from error


def _used(element: ElementTree.Element) -> str:
    for name, value in element.attrib.items():
        if _name(name) == "href" and value.strip().startswith("#"):
            return value.strip()[1:]
    return ""


def _main() -> None:
    import typst  # noqa: PLC0415  (only the drawing process needs it)

    _limit()
    drawing = typst.compile(
        str(SOURCE),
        root=str(ROOT),
        sys_inputs={"svg": sys.stdin.buffer.read().decode()},
        font_paths=typst.Fonts(include_system_fonts=False),
        format="png",
        ppi=PPI,
    )
    sys.stdout.buffer.write(drawing)


if __name__ == "__main__":
    _main()

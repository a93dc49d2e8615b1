"""A one-page PDF of an invoice, written by hand: a few lines of text need no library."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PAGE_WIDTH, PAGE_HEIGHT = 595, 842  # A4 in points
MARGIN = 56
# Courier's characters are all this wide (in ems), which makes columns of figures line up.
COURIER_WIDTH = 0.6


@dataclass(frozen=True)
class Text:
    """Words at a place; `y` counts down from the top. Right-aligned text is set in Courier."""

    x: float
    y: float
    words: str
    size: float = 10
    bold: bool = False
    right: bool = False

    def operators(self) -> bytes:
        font = "F3" if self.right else "F2" if self.bold else "F1"
        width = len(self.words) * self.size * COURIER_WIDTH if self.right else 0
        place = f"{self.x - width:.2f} {PAGE_HEIGHT - self.y:.2f}"
        start = f"BT /{font} {self.size} Tf {place} Td (".encode()
        return start + _escaped(self.words) + b") Tj ET"


@dataclass(frozen=True)
class Rule:
    """A thin line across the page."""

    y: float

    def operators(self) -> bytes:
        y = PAGE_HEIGHT - self.y
        return f"0.5 w {MARGIN} {y:.2f} m {PAGE_WIDTH - MARGIN} {y:.2f} l S".encode()


@dataclass(frozen=True)
class Sheet:
    """What an invoice says, all of it text already."""

    title: str
    facts: Sequence[tuple[str, str]]
    lines: Sequence[tuple[str, str]]
    sums: Sequence[tuple[str, str]]
    footer: str


def render(sheet: Sheet) -> bytes:
    """The sheet as a PDF file (ISO 32000-1: header, objects, cross-reference table, trailer)."""
    content = b"\n".join(mark.operators() for mark in _layout(sheet))
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}]"
            " /Resources << /Font << /F1 5 0 R /F2 6 0 R /F3 7 0 R >> >>"
            " /Contents 4 0 R >>".encode(),
            f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream",
            _font("Helvetica"),
            _font("Helvetica-Bold"),
            _font("Courier"),
        ]
    )


def _layout(sheet: Sheet) -> Iterator[Text | Rule]:
    right = PAGE_WIDTH - MARGIN
    y = 90.0
    yield Text(MARGIN, y, sheet.title, size=22, bold=True)
    y += 36
    for label, value in sheet.facts:
        yield Text(MARGIN, y, label, bold=True)
        yield Text(MARGIN + 90, y, value)
        y += 16
    y += 20
    for rows in (sheet.lines, sheet.sums):
        yield Rule(y)
        y += 20
        for label, amount in rows:
            yield Text(MARGIN, y, label)
            yield Text(right, y, amount, right=True)
            y += 18
    yield Text(MARGIN, PAGE_HEIGHT - 48, sheet.footer, size=8)


def _file(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    out += (
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
    )
    return bytes(out)


def _font(name: str) -> bytes:
    encoding = "/Encoding /WinAnsiEncoding"
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} {encoding} >>".encode()


def _escaped(words: str) -> bytes:
    """A string literal's inside; what the standard fonts lack becomes a question mark."""
    text = words.replace("−", "-").encode("cp1252", "replace")
    return text.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")

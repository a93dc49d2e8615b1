"""What a reader of a mail would see, line by line (pure).

Each table cell and each paragraph is a line. What's hidden is left out: a mail could show one
amount to people and hold another one for programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from selectolax.lexbor import LexborHTMLParser, LexborNode

from common import characters

MOST_PARTS = 50
LONGEST = 200_000
UNSEEN = frozenset(["script", "style", "head", "template", "noscript", "object", "iframe", "svg"])
# Elements whose text shares a line with what's around them.
INLINE = frozenset(
    "a abbr b bdi big cite code em font i img mark s small span strong sub sup u".split()
)
_HIDING = re.compile(
    r"display:none|visibility:(hidden|collapse)|opacity:0(\.0+)?(;|$)|font-size:0(\D|$)"
    r"|(max-)?(height|width):0(px)?(;|$)|mso-hide:all|text-indent:-"
    r"|clip(-path)?:|transform:|position:(absolute|fixed)|color:transparent",
)


class UnreadableMailError(ValueError):
    """The mail can't be read; the sentence is for staff."""


def lines(message: bytes) -> list[list[str]]:
    """Return the lines of a mail's HTML and of its plain text, for each that it has.

    Raises:
        UnreadableMailError: it has several texts of a kind, or is too large to be a bank's.
    """
    mail = BytesParser(EmailMessage, policy=policy.default).parsebytes(message)
    found: dict[str, list[str]] = {}
    for count, part in enumerate(mail.walk()):
        if count > MOST_PARTS:
            raise UnreadableMailError("It has too many parts.")
        kind = part.get_content_type()
        if kind not in {"text/html", "text/plain"} or part.get_filename():
            continue
        if kind in found:
            raise UnreadableMailError("It has more than one text.")
        text = _content(part)
        found[kind] = _html_lines(text) if kind == "text/html" else _split(text)
    return [found[kind] for kind in ("text/html", "text/plain") if found.get(kind)]


def subject(message: bytes) -> str:
    """Return a mail's subject on one line."""
    mail = BytesParser(EmailMessage, policy=policy.default).parsebytes(message, headersonly=True)
    return characters.line(str(mail.get("subject", "")))


def sender(message: bytes) -> str:
    """Return what a mail says about its sender, in lower case. It proves nothing."""
    headers = BytesParser(policy=policy.compat32).parsebytes(message, headersonly=True)
    return characters.line(str(headers.get("from", ""))).lower()


def _content(part: EmailMessage) -> str:
    try:
        text = part.get_content()
    except (LookupError, UnicodeError, ValueError):
        raise UnreadableMailError("Its encoding isn't known.") from None
    if len(text) > LONGEST:
        raise UnreadableMailError("Its text is too long.")
    return str(text)


def _html_lines(html: str) -> list[str]:
    body = LexborHTMLParser(html).body
    return _split("".join(_text(body))) if body else []


def _text(body: LexborNode) -> Iterator[str]:
    """Yield what's seen below an element, with line breaks around whatever stands by itself.

    It doesn't call itself: a mail may nest its elements as deep as it likes.
    """
    waiting: list[LexborNode | str] = [body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            yield node
        elif node.is_text_node:
            yield re.sub(r"\s+", " ", node.text_content or "")
        elif node.is_element_node and not _is_unseen(node):
            if node.tag not in INLINE:
                yield "\n"
                waiting.append("\n")
            waiting += reversed(list(node.iter(include_text=True)))


def _is_unseen(node: LexborNode) -> bool:
    if node.tag in UNSEEN or "hidden" in node.attributes:
        return True
    style = re.sub(r"\s+|/\*.*?\*/|!important", "", node.attributes.get("style") or "").lower()
    return bool(_HIDING.search(style))


def _split(text: str) -> list[str]:
    return [line for line in map(characters.line, text.split("\n")) if line]

"""Put the rules of a small style sheet into the elements that they match.

It reads templates, in which Django's tags stand between the rows of a table. A browser's parser,
such as the one in css-inline, would move those out of the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

RULE = re.compile(r"([^{}]+){([^{}]*)}")
SIMPLE = re.compile(r"([\w-]*)((?:\.[\w-]+)*)\Z")
ELEMENT = re.compile(r"<(/?)([\w-]+)([^<>]*?)(/?)>")
CLASSES = re.compile(r'\b(?:css-)?class="([^"]*)"')
STYLE = re.compile(r'\bstyle="([^"]*)"')
ALONE = frozenset({"br", "img", "meta"})


@dataclass(frozen=True)
class _Element:
    """What selectors can ask of an element: its tag, and its classes."""

    tag: str
    classes: frozenset[str]

    def is_meant_by(self, simple: str) -> bool:
        """Whether `td.label`, `td`, or `.label` means this element."""
        found = SIMPLE.match(simple)
        if found is None:
            raise ValueError(f"A rule to put into elements can't have the selector {simple!r}.")
        return found[1] in {"", self.tag} and self.classes.issuperset(found[2].split(".")[1:])


def inlined(source: str, sheet: str) -> str:
    """Return markup with a sheet's rules in it: later rules after earlier ones, own styles last."""
    rules = _rules(sheet)
    opened: list[_Element] = []

    def with_style(found: re.Match[str]) -> str:
        closes, tag, attributes, end = found[1], found[2], found[3], found[4]
        if closes:
            opened.pop()
            return found[0]
        classes = CLASSES.search(attributes)
        element = _Element(tag, frozenset(classes[1].split() if classes else ()))
        styles = [style for path, style in rules if _is_meant((*opened, element), path)]
        if not end and tag not in ALONE:
            opened.append(element)
        if not styles or tag.startswith("mj-"):
            return found[0]
        own = STYLE.search(attributes)
        style = ";".join([*styles, *([own[1]] if own else [])])
        return f'<{tag}{STYLE.sub("", attributes).rstrip()} style="{style}"{end}>'

    return ELEMENT.sub(with_style, source)


@lru_cache(maxsize=8)
def _rules(sheet: str) -> list[tuple[tuple[str, ...], str]]:
    """Return each selector as its steps, and what it sets."""
    return [
        (tuple(selector.split()), _on_one_line(style))
        for selectors, style in RULE.findall(sheet)
        for selector in selectors.split(",")
    ]


def _on_one_line(style: str) -> str:
    return ";".join(part.strip() for part in style.split(";") if part.strip())


def _is_meant(path: tuple[_Element, ...], steps: tuple[str, ...]) -> bool:
    """Whether the last element of a path is what a selector with descendants means."""
    *ancestors, element = path
    if not element.is_meant_by(steps[-1]):
        return False
    left = list(steps[:-1])
    for ancestor in reversed(ancestors):
        if left and ancestor.is_meant_by(left[-1]):
            left.pop()
    return not left

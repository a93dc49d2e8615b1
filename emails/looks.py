"""An email's HTML as other mail programs show it, ready for a frame (pure)."""

from __future__ import annotations

import re

DARK = "@media (prefers-color-scheme: dark)"
STYLES = re.compile(r"<style\b.*?</style>", re.DOTALL | re.IGNORECASE)
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
# A frame's mail may show pictures, and do nothing else.
POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; "
    "form-action 'none'; base-uri 'none'\">"
)


def in_scheme(html: str, scheme: str) -> str:
    """Return an email as mail programs show it that are light or dark, whatever this browser is."""
    return html.replace(DARK, "@media all" if scheme == "dark" else "@media not all")


def without_styles(html: str) -> str:
    """Return an email as programs show it that drop style sheets, such as Gmail's app with IMAP."""
    return STYLES.sub("", html)


def framed(html: str) -> str:
    """Return an email with a policy under which a frame runs and loads nothing but pictures."""
    return HEAD.sub(lambda head: head[0] + POLICY, html, count=1)

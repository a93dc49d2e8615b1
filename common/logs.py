"""The format of log lines: nobody else can write lines, and they hold no contact data.

Much of what's logged comes from outside: paths, servers' answers. A line break in it would start a
new line, and an escape sequence would control the terminal that shows the log (CWE-117). Logs are
copied and kept long after an account was closed, so our own lines name rows, and what others say
("550 <ines@harbor.example>: no such user") loses email addresses and phone numbers.
"""

import logging
import re

# An address in any script, bare or in a URL (as user and password), valid or not.
ADDRESS = re.compile(r"""[^\s<>"'()\[\]{},;:=|/\\]+(?::[^\s<>"'/@]*)?@[^\s<>"'()\[\]{},;:=|/\\]+""")
# A number with its country code, in any grouping.
NUMBER = re.compile(r"(?:\+|%2B)[1-9](?:[ .()/-]{0,2}\d){6,14}(?!\d)", re.IGNORECASE)


class LineFormatter(logging.Formatter):
    """One line per record; escapes control characters, and indents tracebacks below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's own name)
        """Return the record's line, with unprintable characters as `\\n`, `\\x1b`, `\\u202e`."""
        return anonymous(escape(super().formatMessage(record)))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the traceback, if there is one."""
        line, *below = super().format(record).split("\n")
        return "\n".join([line, *(f"    {anonymous(escape(one))}" for one in below)])


def escape(text: str) -> str:
    """Return text on one line in which every character is printable."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def anonymous(text: str) -> str:
    """Return text without email addresses and phone numbers."""
    if "@" in text:
        text = ADDRESS.sub("(address)", text)
    return NUMBER.sub("(number)", text) if "+" in text or "%2" in text else text

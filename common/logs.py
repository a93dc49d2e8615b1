"""How a line of the log looks: nobody but us writes lines into it, and nobody is reached by it.

Much of what is logged comes from outside: paths, what a server answered. A line break in it would
begin a line of its own, and an escape sequence would speak to the terminal that shows the log
(CWE-117). Logs are copied and kept where nobody thinks of them, long after an account was closed:
our own lines name rows, and what others say ("550 <ines@harbor.example>: no such user") loses
e-mail addresses and phone numbers.
"""

import logging
import re

# An address in any script, bare or in a URL (where it is user and password); it need not be valid.
ADDRESS = re.compile(r"""[^\s<>"'()\[\]{},;:=|/\\]+(?::[^\s<>"'/@]*)?@[^\s<>"'()\[\]{},;:=|/\\]+""")
# A number with its country, however it is grouped.
NUMBER = re.compile(r"(?:\+|%2B)[1-9](?:[ .()/-]{0,2}\d){6,14}(?!\d)", re.IGNORECASE)


class LineFormatter(logging.Formatter):
    """One line a record: control characters are escaped, and a traceback is indented below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's own name)
        """Return the record's line, with whatever is not printable as `\\n`, `\\x1b`, `\\u202e`."""
        return anonymous(escape(super().formatMessage(record)))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the traceback, if there is one."""
        line, *below = super().format(record).split("\n")
        return "\n".join([line, *(f"    {anonymous(escape(one))}" for one in below)])


def escape(text: str) -> str:
    """Return text in which every character can be printed and takes one line."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def anonymous(text: str) -> str:
    """Return text without e-mail addresses and phone numbers."""
    if "@" in text:
        text = ADDRESS.sub("(address)", text)
    return NUMBER.sub("(number)", text) if "+" in text or "%2" in text else text

"""How a line of the log looks, so that nobody but us writes lines into it.

Much of what is logged comes from outside: addresses, names, what a server answered. A line break
in it would begin a line of its own, and an escape sequence would speak to the terminal that shows
the log (CWE-117).
"""

import logging


class LineFormatter(logging.Formatter):
    """One line a record: control characters are escaped, and a traceback is indented below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's own name)
        """Return the record's line, with whatever is not printable as `\\n`, `\\x1b`, `\\u202e`."""
        return escape(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the traceback, if there is one."""
        line, *below = super().format(record).split("\n")
        return "\n".join([line, *(f"    {escape(one)}" for one in below)])


def escape(text: str) -> str:
    """Return text in which every character can be printed and takes one line."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )

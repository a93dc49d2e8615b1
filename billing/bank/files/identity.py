"""What makes a line the same line in every file that has it (pure).

Files overlap, are split anywhere, sorted either way, and imported again. Banks export no number of
their own for a line, so it's known by what it says:

- a transfer by its reference, direction, and amount: banks give each reference once;
- another line by its day, amount, description, and the balance behind it. Two that are alike in all
  else still leave different balances;
- without a balance, by how many lines like it come before it on that day in the same file. So a
  file must have whole days of such a bank, as its exports do.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator

from billing.bank.files.lines import Line


def identified(account: str, lines: Iterable[Line]) -> Iterator[tuple[str, Line]]:
    """Yield the lines of one file of an account, each with what identifies it: 64 characters.

    The same identity may come twice: then it's one line that the file has twice.
    """
    alike: Counter[str] = Counter()
    for line in lines:
        said = _said(line)
        if line.balance is None and not _is_named(line):
            alike[said] += 1
            said = f"{said} {alike[said]}"
        yield hashlib.sha256(f"{account} {said}".encode()).hexdigest(), line


def _is_named(line: Line) -> bool:
    return line.transfer is not None and bool(line.transfer.transaction)


def _said(line: Line) -> str:
    if line.transfer and line.transfer.transaction:
        return json.dumps([line.kind, line.transfer.transaction.upper(), line.amount])
    words = " ".join(line.description.casefold().split())
    return json.dumps([line.posted_on.isoformat(), line.amount, words, line.balance])

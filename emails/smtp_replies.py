"""Whose fault a mail server's refusal is: the recipient's address or ours (pure).

A 5yz reply is a permanent refusal (RFC 5321, 4.2.1), but only one about the recipient's mailbox is
final for a message. A blocked sender, a suspended account, or a policy can be fixed, so such mail
is kept and retried. The enhanced status code tells them apart (RFC 3463); without one, the basic
code has to do.
"""

from __future__ import annotations

import re

# "550 5.1.1 …": class, subject, detail.
ENHANCED = re.compile(r"\b5\.(\d{1,3})\.(\d{1,3})\b")
# RFC 3463, 3.2: the sender's own address is among the addresses.
SENDERS_ADDRESS = frozenset({7, 8})
# What large providers answer if a mailbox doesn't exist, despite the code's own meaning
# ("Access denied" at Microsoft, "Unrouteable" at Exim).
UNKNOWN_BY_ROUTING = frozenset({1, 4})
# No such mailbox (550), moved (551), full (552), bad address (553), accepts no mail (521, 556).
RECIPIENTS = frozenset({521, 550, 551, 552, 553, 556})


# RFC 3463, 3.3: the mailbox is full, or the mail too large for it. The next one may arrive.
FULL = re.compile(r"\b5\.2\.[234]\b")
# Basic code of a full mailbox.
OUT_OF_ROOM = 552


def is_dead_address(code: int, text: str, *, named_recipient: bool) -> bool:
    """Whether a refusal means that no mail of ours will ever arrive at that address."""
    if FULL.search(text) or (ENHANCED.search(text) is None and code == OUT_OF_ROOM):
        return False
    return is_recipients(code, text, named_recipient=named_recipient)


def is_recipients(code: int, text: str, *, named_recipient: bool) -> bool:
    """Whether a refusal is about the recipient's mailbox, so trying again can't help.

    `named_recipient`: the server refused the recipient rather than the mail that followed. A bare
    code after the mail itself is about us.
    """
    if code < 500:
        return False
    status = ENHANCED.search(text)
    if status is None:
        return named_recipient and code in RECIPIENTS
    subject, detail = int(status[1]), int(status[2])
    match subject:
        case 1:
            return detail not in SENDERS_ADDRESS
        case 2:
            return True
        case 4:
            return named_recipient and detail in UNKNOWN_BY_ROUTING
    return False

"""Start checks of the settings for mails that come back, for `portal.start_checks` (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from common import addresses, imap_addresses

# With a tag and its signature, the part before the @ must stay under 64 characters.
LONGEST_LOCAL_PART = 16


def refusals(settings: Mapping[str, str]) -> Iterator[str]:
    """Yield what keeps the portal from starting."""
    address = settings.get("BOUNCE_ADDRESS", "").strip()
    url = settings.get("BOUNCE_MAIL_URL", "").strip()
    if address and (reason := addresses.fault(address) or _reason(address.rpartition("@")[0])):
        yield f"BOUNCE_ADDRESS {reason}"
    if url:
        try:
            imap_addresses.parse(url)
        except imap_addresses.ImapAddressError as error:
            yield f"BOUNCE_MAIL_URL {error}"
    if address and not url:
        yield "Set BOUNCE_MAIL_URL, too: nobody would read what comes back to BOUNCE_ADDRESS."
    if url and not address:
        yield "Set BOUNCE_ADDRESS, too: nothing comes back to the mailbox in BOUNCE_MAIL_URL."


def _reason(local: str) -> str:
    if not local.isascii() or "+" in local:
        return "must have plain letters before the @, and no +: each mail adds its own tag there."
    if len(local) > LONGEST_LOCAL_PART:
        return f"must have at most {LONGEST_LOCAL_PART} characters before the @."
    return ""

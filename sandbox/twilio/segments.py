"""How many SMS a text is billed as (twilio.com/docs/glossary/what-sms-character-limit)."""

from math import ceil

_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_ESCAPED = frozenset("\f^{}\\[~]|€")


def count(body: str) -> int:
    """Segments of a message: 160 or 70 characters alone, 153 or 67 each if there are several."""
    if _GSM_BASIC.union(_GSM_ESCAPED).issuperset(body):
        septets = sum(2 if character in _GSM_ESCAPED else 1 for character in body)
        return _parts(septets, alone=160, joined=153)
    return _parts(len(body.encode("utf-16-be")) // 2, alone=70, joined=67)


def _parts(length: int, *, alone: int, joined: int) -> int:
    return 1 if length <= alone else ceil(length / joined)

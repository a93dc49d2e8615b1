"""What a text message from a member asks for: to stop, to start, or help (pure).

People who want no more texts don't type Twilio's keywords exactly, and the rules for such texts let
them ask in any reasonable way (47 CFR 64.1200(a)(10)). So filler words, case, accents, and
punctuation don't count, in English and Spanish. If it's unclear, we only reply with how to do it.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Asked(StrEnum):
    """What a reply asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    NOTHING = ""


# Twilio's own keywords (documentation, "Twilio support for opt-out keywords"): it answers these,
# and refuses our answer.
TWILIO_STOPS = frozenset("stop stopall unsubscribe cancel end quit revoke optout".split())
TWILIO_STARTS = frozenset("start yes unstop".split())
# On their own, these ask to stop, to start, or for help.
STOPS = TWILIO_STOPS | frozenset(
    "remove unsub stopp parar pare paren alto detener deten detenga basta baja cancelar cancela"
    " terminar fin salir".split()
)
STARTS = TWILIO_STARTS | frozenset("resume subscribe si empezar comenzar iniciar".split())
HELPS = frozenset("help info ayuda".split())
# These count whatever follows: "stop, I don't live there anymore".
PLAIN_STOPS = frozenset("stop stopall unsubscribe optout unsub parar basta".split())
PHRASES = (
    "opt out",
    "opt me out",
    "take me off",
    "remove me",
    "no more texts",
    "no more messages",
    "no mas mensajes",
    "dont text",
    "do not text",
    "quit texting",
    "leave me alone",
    "darme de baja",
    "dame de baja",
)
# Filler around the word that counts.
FILLERS = frozenset(
    "a all already and any at de from i it list los me mensajes message messages more my now number"
    " of off on por favor please pls plz sending sms text texting texts thank thanks that the these"
    " this to us want with ya you your gracias".split()
)


def asks_for(text: str) -> Asked:
    """Return what a reply asks for; a wish to stop comes before everything else."""
    words = _words(text)
    if not words:
        return Asked.NOTHING
    said = f" {' '.join(words)} "
    kept = [word for word in words if word not in FILLERS]
    if words[0] in PLAIN_STOPS or any(f" {phrase} " in said for phrase in PHRASES):
        return Asked.STOP
    for wanted, known in ((Asked.STOP, STOPS), (Asked.START, STARTS), (Asked.HELP, HELPS)):
        if kept and all(word in known for word in kept):
            return wanted
    return Asked.NOTHING


def is_answered_by_twilio(text: str) -> bool:
    """Whether Twilio itself answers this: the keyword alone, in upper or lower case."""
    return text.strip().rstrip(".!").casefold() in TWILIO_STOPS | TWILIO_STARTS


def _words(text: str) -> list[str]:
    """Return the words without case, accents, apostrophes, and punctuation."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(one for one in plain if not unicodedata.combining(one) and one not in "'’")
    return re.findall(r"[^\W_]+", letters)

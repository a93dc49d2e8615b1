"""One "Your name" field for the two columns of `User` (pure)."""

import re

# Spammers put links into name fields, and our emails would carry them to strangers.
NOT_A_NAME = re.compile(r"[<>/@\\{}\[\]]|www\.|https?:|\w\.\w{2,}", re.IGNORECASE)


def split(name: str) -> tuple[str, str]:
    """Split a name at its first space, so joining both parts restores it."""
    first, _, last = " ".join(name.split()).partition(" ")
    return first, last


def is_plausible(name: str) -> bool:
    """Whether this can be a name: at least one letter, and no characters that links need."""
    has_letter = any(character.isalpha() for character in name)
    return has_letter and not NOT_A_NAME.search(name)

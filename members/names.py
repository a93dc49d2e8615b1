"""One "Your name" field and the two columns of `User` (pure)."""

import re

# People write names into forms; spammers write links, which our e-mails would carry to strangers.
NOT_A_NAME = re.compile(r"[<>/@\\{}\[\]]|www\.|https?:|\w\.\w{2,}", re.IGNORECASE)


def split(name: str) -> tuple[str, str]:
    """Split a name at its first space, so that joining both parts gives the same name again."""
    first, _, last = " ".join(name.split()).partition(" ")
    return first, last


def is_plausible(name: str) -> bool:
    """Whether this can be a person's name: at least one letter, and nothing a link needs."""
    has_letter = any(character.isalpha() for character in name)
    return has_letter and not NOT_A_NAME.search(name)

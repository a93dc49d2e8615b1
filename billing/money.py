"""Money: an integer of minor units and a currency; text is made here only (pure)."""

from __future__ import annotations

from dataclasses import dataclass

# Stripe documentation, "Supported currencies": these have no minor unit, or three decimals.
ZERO_DECIMAL = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "JPY",
        "KMF",
        "KRW",
        "MGA",
        "PYG",
        "RWF",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
THREE_DECIMAL = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "CA$", "AUD": "A$"}
MINUS = "−"


@dataclass(frozen=True, order=False)
class Money:
    """An amount in minor units of a currency (ISO 4217, upper case)."""

    amount: int
    currency: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "currency", self.currency.upper())

    def __str__(self) -> str:
        return format_money(self.amount, self.currency)

    def __bool__(self) -> bool:
        return self.amount != 0


def decimals(currency: str) -> int:
    """Return how many decimals the currency's minor unit stands for."""
    code = currency.upper()
    if code in ZERO_DECIMAL:
        return 0
    return 3 if code in THREE_DECIMAL else 2


def format_money(amount: int, currency: str) -> str:
    """Return an amount of minor units as people write it: `$29.00`, `−€5.00`, `29.00 CHF`."""
    code = currency.upper()
    places = decimals(code)
    whole, rest = divmod(abs(amount), 10**places)
    digits = f"{whole:,}" + (f".{rest:0{places}d}" if places else "")
    sign = MINUS if amount < 0 else ""
    if code in SYMBOLS:
        return f"{sign}{SYMBOLS[code]}{digits}"
    return f"{sign}{digits} {code}"

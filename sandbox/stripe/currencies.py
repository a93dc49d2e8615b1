"""Currencies: their decimals, and the smallest and largest charges."""

from __future__ import annotations

# Stripe's "Supported currencies".
ZERO_DECIMALS = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMALS = frozenset("bhd jod kwd omr tnd".split())
WHOLE_UNITS = frozenset(("isk", "ugx"))
"""Written with two decimals, both of which are zero."""
SUPPORTED = (
    *"usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl".split(),
    *"bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd".split(),
    *"fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd jod jpy kes".split(),
    *"kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr".split(),
    *"mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd".split(),
    *"rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs".split(),
    *"uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw".split(),
)
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "cad": "CA$", "aud": "A$"}

_LEAST = {
    **dict.fromkeys(("aud", "brl", "cad", "chf", "eur", "inr", "nzd", "sgd", "usd"), 50),
    "aed": 200,
    "bgn": 100,
    "czk": 1500,
    "dkk": 250,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "thb": 1000,
}
_DIGITS = {"cop": 10, "huf": 10, "idr": 12, "inr": 9, "jpy": 10, "lbp": 10}


def decimals(currency: str) -> int:
    """The number of decimals in an amount."""
    return 0 if currency in ZERO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def least(currency: str) -> int:
    """The smallest charge, in minor units.

    Stripe has fixed ones for the currencies it pays out; it converts others at the day's rate,
    which isn't known here.
    """
    return _LEAST.get(currency, 1)


def most(currency: str) -> int:
    """The largest charge, in minor units."""
    return int("9" * _DIGITS.get(currency, 8))


def step(currency: str) -> int:
    """The number that an amount in minor units must be divisible by."""
    return 10 if currency in THREE_DECIMALS else 100 if currency in WHOLE_UNITS else 1


def figure(amount: int, currency: str) -> str:
    """An amount as in Stripe's errors, before the currency code: `$0.50`, `175.00`."""
    digits = decimals(currency)
    return f"{SYMBOLS.get(currency, '')}{amount / 10**digits:,.{digits}f}"


def money(amount: int, currency: str) -> str:
    """A non-negative amount as people write it: `$0.50`, `175.00 HUF`."""
    shown = figure(amount, currency)
    return shown if currency in SYMBOLS else f"{shown} {currency.upper()}"

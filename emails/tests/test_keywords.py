"""People ask to stop in their own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emails.keywords import Asked, asks_for


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop. ",
        "Stop please",
        "stop texting me",
        "Please stop sending these messages!",
        "opt out",
        "Opt-out",
        "OPTOUT",
        "opt me out pls",
        "I want to opt out",
        "unsubscribe me",
        "Unsubscribe from all texts",
        "UnSubscribe",
        "Remove me from your list",
        "take me off this list",
        "Don’t text me",
        "do not text this number",
        "No more texts",
        "cancel",
        "Cancel texts please",
        "quit",
        "end",
        "ALTO",
        "Parar",
        "parar por favor",
        "Basta ya",
        "baja",
        "no más mensajes",
        "Quiero darme de baja",
        "stop, I don’t live there anymore",
        "ＳＴＯＰ",
        "STOP 🙏",
    ],
)
def test_a_wish_to_stop_is_understood(text: str) -> None:
    assert asks_for(text) == Asked.STOP


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("START", Asked.START),
        ("yes please", Asked.START),
        ("Sí", Asked.START),
        ("unstop", Asked.START),
        ("help", Asked.HELP),
        ("HELP me please", Asked.HELP),
        ("Ayuda", Asked.HELP),
        ("Can I cancel my class on Friday?", Asked.NOTHING),
        ("When does it end?", Asked.NOTHING),
        ("Thanks!", Asked.NOTHING),
        ("See you at the bus stop", Asked.NOTHING),
        ("", Asked.NOTHING),
        ("👍", Asked.NOTHING),
        ("\x00", Asked.NOTHING),
    ],
)
def test_other_replies_do_not_stop_anything(text: str, asked: Asked) -> None:
    assert asks_for(text) == asked


@given(st.text())
def test_whatever_people_write_has_an_answer(text: str) -> None:
    assert asks_for(text) in Asked
    assert asks_for(f"STOP {text}") == Asked.STOP

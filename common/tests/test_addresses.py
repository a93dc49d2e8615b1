"""Email addresses: one spelling per mailbox, and display names that commas don't break."""

from __future__ import annotations

import os
import subprocess
import sys
from email import policy
from email.parser import Parser
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from common import addresses, characters

ROOT = Path(__file__).resolve().parents[2]
BRANDS = [
    "Smith, Jones & Co",
    'The "Harbor"',
    "Yoga (Portland)",
    "Łódź; Joga @ Home",
    "喜马拉雅",
    "A\\B",
    "<Harbor>",
    "Zoë 👩‍🚀",
    ".",
]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jan@żółw.example", "jan@xn--w-uga1v8h.example"),
        ("jan@ŻÓŁW.example", "Jan@XN--W-UGA1V8H.EXAMPLE"),
        ("jan@münchen.example", "jan@mu\u0308nchen.example"),
        ("jan@例え。example", "jan@例え.example"),
        ("JÜRGEN@example.com", "ju\u0308rgen@EXAMPLE.com"),
        ("i@i❤.ws", "i@xn--i-7iq.ws"),
    ],
)
def test_two_spellings_are_one_mailbox(one: str, other: str) -> None:
    assert addresses.canonical(one) == addresses.canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("jan@straße.example", "jan@strasse.example"), ("jürgen@example.com", "jurgen@example.com")],
)
def test_what_looks_alike_is_not_the_same(one: str, other: str) -> None:
    assert addresses.canonical(one) != addresses.canonical(other)


@given(st.text() | st.emails() | st.from_regex(r"\w{1,9}@\w{1,9}\.\w{2,9}", fullmatch=True))
def test_the_one_spelling_is_its_own(text: str) -> None:
    once = addresses.canonical(text)
    assert addresses.canonical(once) == once == once.lower()


@given(st.from_regex(r"[a-z]{1,9}@\w{1,9}\.\w{2,9}", fullmatch=True))
def test_a_domain_reads_as_it_was_written(text: str) -> None:
    once = addresses.canonical(text)
    assert addresses.canonical(addresses.readable(once)) == once


def test_people_read_a_domain_as_they_write_it() -> None:
    assert addresses.readable("jan@xn--w-uga1v8h.example") == "jan@żółw.example"
    assert addresses.readable("jan@xn--nonsense-.example") == "jan@xn--nonsense-.example"


@pytest.mark.parametrize(
    "good", ["jan@żółw.example", "jürgen@example.com", "иван@почта.рф", "o'brien+x@example.com"]
)
def test_addresses_of_all_scripts_are_taken(good: str) -> None:
    addresses.check(addresses.canonical(good))


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "jan",
        "jan@",
        "@x.example",
        "a b@x.example",
        "👩‍🚀@x.example",
        "jan@x",
        "a@b@c.example",
        "j@ωα\u05e7x.example",
    ],
)
def test_what_is_no_address_is_refused(bad: str) -> None:
    with pytest.raises(ValidationError):
        addresses.check(addresses.canonical(bad))


def test_an_address_that_no_column_holds_is_refused() -> None:
    with pytest.raises(ValidationError, match="254"):
        addresses.check(f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.example")


@pytest.mark.parametrize("brand", BRANDS)
@pytest.mark.parametrize("address", ["help@harbor.example", "help@żółw.example"])
def test_a_header_names_the_business_whatever_it_is_called(brand: str, address: str) -> None:
    header = addresses.header(f"{brand} <{address}>")
    [sender] = Parser(policy=policy.default).parsestr(f"From: {header}\n\n")["From"].addresses
    assert sender.display_name == brand
    assert sender.addr_spec == addresses.canonical(address)
    assert addresses.header(header) == header


@given(st.text(min_size=1).map(characters.line).filter(bool))
def test_any_line_can_be_a_name(name: str) -> None:
    header = addresses.named(name, "help@harbor.example")
    _name, address = addresses.split(header)
    assert address == "help@harbor.example"


def test_lists_of_addresses() -> None:
    text = '"Smith, Jo" <jo@x.example>, office@żółw.example'
    assert addresses.listed(text) == ["jo@x.example", "office@xn--w-uga1v8h.example"]
    assert addresses.listed(" ") == []


@pytest.mark.slow
@pytest.mark.parametrize("brand", BRANDS)
def test_the_sender_is_quoted_in_the_settings(brand: str) -> None:
    code = "from django.conf import settings; print(settings.DEFAULT_FROM_EMAIL)"
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "BRAND_NAME": brand,
        "DEBUG": "true",
        "SUPPORT_EMAIL": "help@harbor.example",
        "PYTHONIOENCODING": "utf-8",
    }
    env.pop("DEFAULT_FROM_EMAIL", None)
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == addresses.named(brand, "help@harbor.example")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DEFAULT_FROM_EMAIL", "Harbor", "DEFAULT_FROM_EMAIL is not an email address"),
        ("SERVER_EMAIL", "root@", "SERVER_EMAIL is not an email address"),
        ("SUPPORT_EMAIL", "Help <help@x.example>", "SUPPORT_EMAIL must be an address alone"),
        ("SUPPORT_EMAIL", "hélp@x.example", "SUPPORT_EMAIL has letters before the @"),
        ("STAFF_EMAIL", ["jo@x.example", "smith"], "STAFF_EMAIL has 'smith', which is not"),
    ],
)
def test_a_wrong_address_is_named_in_a_sentence(
    settings: Settings, name: str, value: object, sentence: str
) -> None:
    assert not run_checks(tags=["email"])
    setattr(settings, name, value)
    [problem] = run_checks(tags=["email"])
    assert problem.is_serious()
    assert str(problem.msg).startswith(sentence)

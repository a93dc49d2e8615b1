"""Settings for a bank's mails: wrong ones don't start, and no sentence shows the password."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.imap_addresses import ImapAddressError, parse
from common.postgres import CHECKOUT
from portal.start_checks import refusals, remarks
from portal.tests.test_start_checks import GOOD

MAILBOX = {
    "BANK_MAIL_URL": "imaps://office%40harbor.example:tOps3cret@imap.harbor.test/Bank",
    "BANK_MAIL_RECIPIENTS": "office@harbor.example",
}
TEST_MODE = GOOD | {"STRIPE_SECRET_KEY": "sk_test_51Nabc"}
KEYS = '{"s1._domainkey.chase.com": "v=DKIM1; p=AAAA"}'


@pytest.mark.parametrize(
    "written",
    [
        MAILBOX,
        MAILBOX | {"BANK_MAIL_DOMAINS": "chase.com, wellsfargo.com,hsbc.co.uk,ing.xn--p1ai"},
        MAILBOX | {"BANK_MAIL_URL": "imap://a:b@127.0.0.1:1143"},
        MAILBOX | {"BANK_MAIL_URL": "imap://a:b@localhost"},
        MAILBOX | {"BANK_MAIL_URL": "imaps://a:b@[2001:db8::1]:993/[Gmail]%2FAll%20Mail"},
        {"BANK_MAIL_RECIPIENTS": "office@harbor.example, owner@harbor.example"},
        MAILBOX | {"BANK_MAIL_DAYS": "3"},
    ],
)
def test_good_ones_start_and_nothing_is_left_to_say(written: dict[str, str]) -> None:
    assert refusals(GOOD | written, debug=False) == []
    assert remarks(GOOD | written) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BANK_MAIL_URL", "imap.harbor.test"),
        ("BANK_MAIL_URL", "https://office:tOps3cret@harbor.test"),
        ("BANK_MAIL_URL", "imaps://office@harbor.test"),
        ("BANK_MAIL_URL", "imaps://:tOps3cret@harbor.test"),
        ("BANK_MAIL_URL", "imaps://office:tOps3cret@"),
        ("BANK_MAIL_URL", "imaps://office:tOps3cret@:993"),
        ("BANK_MAIL_URL", "imaps://office:tOps3cret@harbor.test:mail"),
        ("BANK_MAIL_URL", "imaps://office:tOps3cret/x@harbor.test"),
        ("BANK_MAIL_URL", "imaps://office:tOps3cret#x@harbor.test"),
        ("BANK_MAIL_URL", "imaps://office:tOps3cret?x@harbor.test"),
        ("BANK_MAIL_URL", "imaps://office:[tOps3cret@harbor.test"),
        ("BANK_MAIL_URL", "imaps://office:tOps3cret%FF@harbor.test"),
        ("BANK_MAIL_URL", "imaps://office:tOps3cret@harbor.test/Bank%0D%0Ax"),
        ("BANK_MAIL_URL", f"imaps://office:tOps3cret@harbor.test/{'bank' * 75}"),
        ("BANK_MAIL_URL", "imap://office:tOps3cret@imap.harbor.test"),
        ("BANK_MAIL_URL", "imap://office:tOps3cret@127.0.0.1.harbor.test"),
        ("BANK_MAIL_URL", "imaps://office:tOps3cret@imap.example.com"),
        ("BANK_MAIL_URL", "imaps://user:password@host/Bank"),
        ("BANK_MAIL_RECIPIENTS", ""),
        ("BANK_MAIL_RECIPIENTS", "office"),
        ("BANK_MAIL_RECIPIENTS", "Office <office@harbor>"),
        ("BANK_MAIL_RECIPIENTS", "office@example.com"),
        ("BANK_MAIL_DOMAINS", "com"),
        ("BANK_MAIL_DOMAINS", "chase.com,co.uk"),
        ("BANK_MAIL_DOMAINS", ".chase.com"),
        ("BANK_MAIL_DOMAINS", "chase.com."),
        ("BANK_MAIL_DOMAINS", "*.chase.com"),
        ("BANK_MAIL_DOMAINS", "no.reply@chase.com"),
        ("BANK_MAIL_DOMAINS", "https://chase.com"),
        ("BANK_MAIL_DOMAINS", "10.0.0.1"),
        ("BANK_MAIL_DOMAINS", "gmail.com"),
        ("BANK_MAIL_DOMAINS", "harbor.example"),
        ("BANK_MAIL_KEYS", KEYS),  # with a live key
        ("BANK_MAIL_DAYS", "0"),
        ("BANK_MAIL_DAYS", "31"),
        ("BANK_MAIL_DAYS", "a week"),
    ],
)
def test_each_fault_is_refused_with_one_sentence_that_names_the_setting(
    name: str, value: str
) -> None:
    (sentence,) = refusals(GOOD | MAILBOX | {name: value}, debug=False)
    assert name in sentence
    assert "tOps3cret" not in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    "written", ["no JSON", "[]", '"text"', '{"s1._domainkey.chase.com": 5}', "null"]
)
def test_keys_are_names_and_records(written: str) -> None:
    (sentence,) = refusals(TEST_MODE | {"BANK_MAIL_KEYS": written}, debug=False)
    assert "BANK_MAIL_KEYS must be a JSON object" in sentence


def test_keys_may_be_set_while_no_money_is_real_and_are_remarked_upon() -> None:
    settings = TEST_MODE | {"BANK_MAIL_KEYS": KEYS}
    assert refusals(settings, debug=False) == []
    assert "BANK_MAIL_KEYS" in [remark.setting for remark in remarks(settings)]
    assert refusals({"BANK_MAIL_KEYS": KEYS}, debug=True) == []


PASSWORD = "Hq7wZ2vK9x"


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=20))
@example("[", "", "host")
@example("", "\x00", "host")
@example("", "", "h℀st")
def test_no_error_shows_the_password(before: str, after: str, host: str) -> None:
    url = f"imaps://office:{before}{PASSWORD}{after}@{host}/Bank"
    assert PASSWORD not in _trace_of_parsing(url)


def _trace_of_parsing(url: str) -> str:
    """Return all that a log would show of an address's error."""
    try:
        parse(url)
    except ImapAddressError:
        return traceback.format_exc()
    return ""


@given(
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=30),
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=30),
    st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30),
)
@example("office", "tOps3cret", "Bank/")
def test_percent_encoded_parts_come_back(user: str, password: str, folder: str) -> None:
    written = [quote(one, safe="") for one in (user, password, folder)]
    address = parse(f"imaps://{written[0]}:{written[1]}@imap.harbor.test/{written[2]}")
    assert (address.user, address.password, address.folder) == (user, password, folder)
    assert repr(address) == repr(replace(address, password="another"))


def test_without_a_folder_it_is_the_inbox() -> None:
    address = parse("imaps://office:tOps3cret@imap.harbor.test/")
    assert (address.folder, address.port, address.is_encrypted) == ("INBOX", 993, True)
    assert address.name == "office@imap.harbor.test/INBOX"


def test_settings_are_read_as_people_write_them() -> None:
    written = {
        "BANK_MAIL_RECIPIENTS": "Office@Harbor.example, owner@harbor.example",
        "BANK_MAIL_DOMAINS": "Chase.com, bankofamerica.com",
        "BANK_MAIL_KEYS": KEYS,
    }
    code = (
        "import json; from portal import settings as s; print(json.dumps(["
        "s.BANK_MAIL_RECIPIENTS, s.BANK_MAIL_DOMAINS, s.BANK_MAIL_KEYS, s.BANK_MAIL_DAYS]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**os.environ, **written},
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(run.stdout) == [
        ["office@harbor.example", "owner@harbor.example"],
        ["chase.com", "bankofamerica.com"],
        json.loads(KEYS),
        7,
    ]

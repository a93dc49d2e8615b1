"""Banks' keys come from DNS, or from a setting; a DNS that doesn't answer decides nothing."""

from __future__ import annotations

from collections.abc import Iterator

import dns.resolver
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from billing.bank.mails.trust import KeysUnavailableError
from billing.tests.zelle.dns_server import DnsServer, dns_server
from billing.zelle import keys as lookup
from billing.zelle.keys import keys

NAME = "s1._domainkey.chase.com"


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with dns_server() as running:
        yield running


def test_a_key_is_looked_up(server: DnsServer) -> None:
    server.texts[NAME] = ['"v=DKIM1; k=rsa; p=AAAA"']
    assert keys(NAME) == b"v=DKIM1; k=rsa; p=AAAA"
    assert server.asked == [NAME]


def test_strings_of_a_long_record_are_joined(server: DnsServer) -> None:
    server.texts[NAME] = ['"v=DKIM1; p=' + "A" * 200 + '" "' + "B" * 200 + '"']
    assert keys(NAME) == b"v=DKIM1; p=" + b"A" * 200 + b"B" * 200


def test_records_that_are_no_keys_are_passed_over(server: DnsServer) -> None:
    server.texts[NAME] = ['"some-site-verification 123"', '"v=DKIM1; p=AAAA"']
    assert keys(NAME) == b"v=DKIM1; p=AAAA"


def test_two_keys_are_none(server: DnsServer) -> None:
    server.texts[NAME] = ['"v=DKIM1; p=AAAA"', '"v=DKIM1; p=BBBB"']
    assert keys(NAME) is None


def test_no_such_name_and_no_such_record_are_no_key(server: DnsServer) -> None:
    server.texts["empty._domainkey.chase.com"] = []
    assert keys(NAME) is None
    assert keys("empty._domainkey.chase.com") is None


@given(st.text(max_size=80))
def test_what_cannot_be_a_name_is_no_key(text: str) -> None:
    with dns_server():
        assert keys(f"{text}..{'x' * 64}._domainkey.chase.com") is None


def test_a_server_that_fails_decides_nothing(server: DnsServer) -> None:
    server.failing.add(NAME)
    with pytest.raises(KeysUnavailableError):
        keys(NAME)


def test_a_silent_server_decides_nothing_and_is_waited_for_a_few_seconds(
    server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "SECONDS", 0.3)
    server.is_silent = True
    with pytest.raises(KeysUnavailableError):
        keys(NAME)


def test_no_dns_at_all_decides_nothing(server: DnsServer) -> None:
    assert dns.resolver.default_resolver is not None
    dns.resolver.default_resolver.nameservers = []
    with pytest.raises(KeysUnavailableError):
        keys(NAME)


def test_keys_that_are_set_are_the_only_ones(server: DnsServer, settings: Settings) -> None:
    settings.BANK_MAIL_KEYS = {"S1._domainkey.chase.com.": "v=DKIM1; p=CCCC"}
    server.texts["s2._domainkey.chase.com"] = ['"v=DKIM1; p=AAAA"']
    assert keys(NAME) == b"v=DKIM1; p=CCCC"
    assert keys("s2._domainkey.chase.com") is None
    assert server.asked == []

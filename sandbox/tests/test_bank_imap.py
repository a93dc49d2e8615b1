"""The bank's mailbox over IMAP, as mail programs and the standard library use it."""

import imaplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sandbox.tests.conftest import Server
from testing.bank import Bank


@pytest.fixture
def bank(server: Server) -> Iterator[Bank]:
    with httpx.Client(timeout=60, trust_env=False) as http:
        yield Bank(server.url, server.imap_port, http)


@contextmanager
def connected(port: int, *, readonly: bool = True) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4("127.0.0.1", port, timeout=20) as client:
        client.login("bank", "bank")
        client.select("INBOX", readonly=readonly)
        yield client


def uids(client: imaplib.IMAP4, *criteria: str) -> list[int]:
    status, (found,) = client.uid("SEARCH", *(criteria or ("ALL",)))
    assert status == "OK"
    return [int(uid) for uid in found.split()]


def fetched(client: imaplib.IMAP4, uid: int, what: str = "BODY.PEEK[]") -> bytes:
    status, answer = client.uid("FETCH", str(uid), f"({what})")
    assert status == "OK"
    content = next(part[1] for part in answer if isinstance(part, tuple))
    assert isinstance(content, bytes)
    return content


def validity(client: imaplib.IMAP4) -> int:
    (number,) = client.response("UIDVALIDITY")[1]
    assert isinstance(number, bytes)
    return int(number)


def test_mails_are_fetched_byte_by_byte(bank: Bank) -> None:
    bank.pay("Müller & Söhne", 2_900, "für März")
    bank.receive(b"From: x\nSubject: bare line feeds\n\n\xff\x00\n.\n\r\n")
    bank.receive(b"no header at all")
    with connected(bank.imap_port) as client:
        assert uids(client) == [1, 2, 3]
        assert [fetched(client, uid) for uid in (1, 2, 3)] == bank.mails()
        sizes = client.uid("FETCH", "1:*", "(RFC822.SIZE)")[1]
        for told, mail in zip(sizes, bank.mails(), strict=True):
            assert f"RFC822.SIZE {len(mail)} ".encode() in bytes(told or b"")
        assert b"Zelle" in fetched(client, 1, "BODY.PEEK[HEADER]")


def test_uids_are_searched_from_where_one_left_off(bank: Bank) -> None:
    with connected(bank.imap_port) as client:
        assert uids(client, "UID", "1:*") == []
        for _ in range(3):
            bank.pay("Sam Doe", 2_900)
        client.noop()
        assert uids(client, "UID", "2:*") == [2, 3]
        # RFC 3501: `*` is the newest message, whatever stands before the colon.
        assert uids(client, "UID", "9:*") == [3]


def test_two_connections_see_new_mail(bank: Bank) -> None:
    with connected(bank.imap_port) as one, connected(bank.imap_port) as other:
        bank.pay("Sam Doe", 2_900)
        one.noop()
        other.noop()
        assert one.response("EXISTS")[1][-1] == b"1"
        assert uids(one) == uids(other) == [1]
        bank.pay("Sam Doe", 2_900)
        other.noop()
        assert uids(other) == [1, 2]


def test_an_idle_connection_is_told_of_new_mail(bank: Bank) -> None:
    with connected(bank.imap_port) as client:
        assert "IDLE" in client.capability()[1][0].decode()
        client.send(b"a1 IDLE\r\n")
        assert client.readline().startswith(b"+ ")
        bank.pay("Sam Doe", 2_900)
        assert client.readline().rstrip() == b"* 1 EXISTS"
        client.send(b"DONE\r\n")
        while not (line := client.readline()).startswith(b"a1 "):
            assert line.startswith(b"* ")
        assert line.startswith(b"a1 OK")


def test_a_folder_opened_to_read_stays_as_it_is(server: Server, bank: Bank) -> None:
    bank.pay("Sam Doe", 2_900)
    with connected(bank.imap_port) as client:
        fetched(client, 1, "BODY[]")
        assert client.uid("STORE", "1", "+FLAGS", "(\\Seen)")[0] == "NO"
        assert client.expunge()[0] == "NO"
        assert client.close()[0] == "OK"
    assert server.get("bank/mails")[0]["flags"] == []
    with connected(bank.imap_port, readonly=False) as client:
        fetched(client, 1)
        assert server.get("bank/mails")[0]["flags"] == []
        fetched(client, 1, "BODY[]")
    # A mailbox that isn't opened to read remembers who has read it.
    assert server.get("bank/mails")[0]["flags"] == ["\\Seen"]
    with connected(bank.imap_port) as client:
        assert uids(client, "UNSEEN") == []


def test_mail_is_filed_and_deleted_as_elsewhere(bank: Bank) -> None:
    with connected(bank.imap_port, readonly=False) as client:
        letter = b"From: a@harbor.example\r\nSubject: mine\r\n\r\nHello.\r\n"
        assert client.append("INBOX", "(\\Flagged)", "", letter)[0] == "OK"
        bank.pay("Sam Doe", 2_900)
        client.noop()
        assert uids(client, "FLAGGED") == [1]
        assert uids(client, "SUBJECT", "mine") == [1]
        client.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
        client.expunge()
        assert uids(client) == [2]
        assert client.create("Elsewhere")[0] == "NO"
        assert client.select("Elsewhere")[0] == "NO"
        (folder,) = client.list()[1]
        assert isinstance(folder, bytes)
        assert folder.endswith(b"INBOX")
    assert len(bank.mails()) == 1


def test_only_the_owner_signs_in(bank: Bank) -> None:
    with (
        imaplib.IMAP4("127.0.0.1", bank.imap_port, timeout=20) as client,
        pytest.raises(imaplib.IMAP4.error),
    ):
        client.login("bank", "guess")


def test_an_emptied_mailbox_is_another_one(server: Server, bank: Bank) -> None:
    with connected(bank.imap_port) as client:
        before = validity(client)
    server.post("reset")
    with connected(bank.imap_port) as client:
        assert validity(client) > before
        bank.pay("Sam Doe", 2_900)
        server.post("reset")
        # Who looks on while the mailbox goes has to connect again.
        with pytest.raises(imaplib.IMAP4.abort):
            repeatedly(client.noop)


def repeatedly(ask: Callable[[], object]) -> None:
    for _ in range(3):
        ask()


@pytest.mark.slow
def test_a_restart_keeps_uids_and_their_validity(tmp_path: Path) -> None:
    server = Server(tmp_path)
    bank = Bank(server.url, server.imap_port, server.http)
    for _ in range(3):
        bank.pay("Sam Doe", 2_900)
    with connected(server.imap_port, readonly=False) as client:
        client.uid("STORE", "3", "+FLAGS", "(\\Deleted)")
        client.expunge()
        before = validity(client), uids(client), fetched(client, 2)
    server.stop()
    again = Server(tmp_path)
    try:
        with connected(again.imap_port) as client:
            assert (validity(client), uids(client), fetched(client, 2)) == before
            # The number of a deleted mail is never used again.
            assert Bank(again.url, again.imap_port, again.http).pay("A", 1)["mails"] == [4]
    finally:
        again.stop()


@pytest.mark.slow
def test_the_sandbox_stops_though_somebody_is_connected(tmp_path: Path) -> None:
    server = Server(tmp_path)
    client = imaplib.IMAP4("127.0.0.1", server.imap_port, timeout=20)
    client.login("bank", "bank")
    client.select("INBOX")
    client.send(b"a1 IDLE\r\n")
    client.readline()
    server.stop()
    while line := client.readline():
        assert line.startswith(b"* ")
    client.shutdown()

"""The mailbox: what arrives by SMTP is what the page and the control API show."""

import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from sandbox.tests.conftest import Server


def letter(to: str = "ada@example.com", *, message_id: str = "<1@maple>") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Maple Rowing <hello@maple.example>"
    message["To"] = to
    message["Subject"] = "Receipt: $29.00 für November"
    message["Message-ID"] = message_id
    message["List-Unsubscribe"] = "<http://maple.example/stop>"
    message.set_content("Thank you, Ada.\n")
    html = (
        "<!doctype html><html><head><title>x</title></head><body><h1>Thank you</h1></body></html>"
    )
    message.add_alternative(html, subtype="html")
    return message


def send(server: Server, *messages: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
        for message in messages:
            smtp.send_message(message)


def test_a_message_arrives_with_all_its_parts(server: Server) -> None:
    send(server, letter())
    (mail,) = server.get("mailbox")
    assert mail["to"] == "ada@example.com"
    assert mail["from"] == "Maple Rowing <hello@maple.example>"
    assert mail["subject"] == "Receipt: $29.00 für November"
    assert mail["text"].strip() == "Thank you, Ada."
    assert "<h1>Thank you</h1>" in mail["html"]
    assert mail["headers"]["List-Unsubscribe"] == "<http://maple.example/stop>"
    assert mail["received_at"] == pytest.approx(server.get("clock")["now"], abs=5)
    assert mail["copies"] == 1


def test_every_copy_of_a_message_is_shown(server: Server) -> None:
    send(server, letter(), letter(), letter("grace@example.com"))
    other, second, first = server.get("mailbox")
    assert [mail["copies"] for mail in (other, second, first)] == [1, 2, 2]
    assert first["id"] != second["id"]
    assert server.http.get("/mailbox/").text.count("2 copies") == 2
    page = server.http.get(f"/mailbox/{first['id']}").text
    assert "2 copies" in page
    assert f'href="/mailbox/{second["id"]}"' in page
    assert "copies" not in server.http.get(f"/mailbox/{other['id']}").text


def test_messages_without_an_id_are_never_copies(server: Server) -> None:
    first, second = letter(), letter()
    del first["Message-ID"], second["Message-ID"]
    send(server, first, second)
    assert [mail["copies"] for mail in server.get("mailbox")] == [1, 1]


def test_a_mail_is_kept_though_its_answer_is_lost(server: Server) -> None:
    server.post("switches", mail_answer_lost=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(server, letter())
    server.post("switches", mail_answer_lost=0)
    assert [mail["copies"] for mail in server.get("mailbox")] == [1]
    send(server, letter())
    assert [mail["copies"] for mail in server.get("mailbox")] == [2, 2]


def test_a_busy_server_keeps_nothing_and_takes_it_later(server: Server) -> None:
    server.post("switches", mail_busy=1)
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        send(server, letter())
    server.post("switches", mail_busy=0)
    assert server.get("mailbox") == []
    send(server, letter())
    assert [mail["copies"] for mail in server.get("mailbox")] == [1]


def test_mail_is_found_by_its_recipient_newest_first(server: Server) -> None:
    send(
        server,
        letter(message_id="<1@x>"),
        letter("grace@example.com", message_id="<2@x>"),
        letter("Ada@Example.com", message_id="<3@x>"),
    )
    mails = server.get("mailbox", to="ada@example.com")
    assert [mail["to"] for mail in mails] == ["Ada@Example.com", "ada@example.com"]
    page = server.http.get("/mailbox/", params={"to": "GRACE"}).text
    assert "grace@example.com" in page
    assert "ada@example.com" not in page


@pytest.mark.parametrize(("domain", "code"), [("bounce.example", 550), ("busy.example", 451)])
def test_some_domains_refuse(server: Server, domain: str, code: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        send(server, letter(f"ada@{domain}"))
    assert refusal.value.recipients[f"ada@{domain}"][0] == code
    assert server.get("mailbox") == []


def test_a_message_is_shown_part_by_part_without_scripts(server: Server) -> None:
    send(server, letter())
    address = f"/mailbox/{server.get('mailbox')[0]['id']}"
    assert 'sandbox="' in server.http.get(address).text
    assert "Thank you, Ada." in server.http.get(address, params={"view": "text"}).text
    assert "List-Unsubscribe" in server.http.get(address, params={"view": "headers"}).text
    assert (
        "Content-Type: multipart/alternative"
        in server.http.get(address, params={"view": "source"}).text
    )
    body = server.http.get(f"{address}/html")
    assert body.text.startswith("<!doctype html><html><head><base target=")
    assert body.headers["Content-Security-Policy"].startswith("sandbox ")
    assert "allow-scripts" not in body.headers["Content-Security-Policy"]


def test_the_mailbox_is_emptied_from_its_page(server: Server) -> None:
    send(server, letter())
    server.http.post("/mailbox/clear")
    assert server.get("mailbox") == []
    assert "No mail yet" in server.http.get("/mailbox/").text


def test_an_unknown_message_is_not_found(server: Server) -> None:
    assert server.http.get("/mailbox/mail_unknown").status_code == 404


@pytest.mark.slow
def test_mail_survives_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path)
    send(server, letter())
    server.stop()
    again = Server(tmp_path)
    assert [mail["to"] for mail in again.get("mailbox")] == ["ada@example.com"]
    again.stop()


def test_letters_beyond_ascii_before_the_at_need_smtputf8(server: Server) -> None:
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("smtputf8")
        smtp.command_encoding = "utf-8"
        assert smtp.mail("ada@example.com")[0] == 250
        assert smtp.rcpt("jürgen@example.com")[0] == 553
        smtp.rset()
        smtp.mail("ada@example.com", ["SMTPUTF8"])
        assert smtp.rcpt("jürgen@example.com")[0] == 250


def test_a_server_may_lack_smtputf8(server: Server) -> None:
    server.post("switches", mail_ascii_only=True)
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
        smtp.ehlo()
        assert not smtp.has_extn("smtputf8")
        assert smtp.docmd("MAIL", "FROM:<ada@example.com> SMTPUTF8")[0] == 555


def test_a_flowed_text_is_put_together_again(server: Server) -> None:
    flowed = letter()
    plain = flowed.get_body(("plain",))
    assert plain is not None
    plain.set_content("Thank you, \nAda.\n\n >quoted\n  code\n")
    plain.set_param("format", "flowed")
    send(server, flowed)
    (mail,) = server.get("mailbox")
    assert mail["text"] == "Thank you, Ada.\n\n>quoted\n code\n"

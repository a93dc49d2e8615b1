"""Twilio: the real client sends, callbacks arrive signed and in order, STOP is obeyed."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from sandbox.tests.conftest import Server

SID, TOKEN = "ACsandbox0000000000000000000000000", "sandbox-twilio-token"
OURS, ALICE, UNREACHABLE = "+15005550006", "+14155550123", "+15005550010"


class Product:
    """Stands for the portal: takes callbacks and texts, and answers as it is told."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], str]] = []
        self.statuses: list[int] = []
        self.twiml = ""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        product = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(parse_qsl(body, keep_blank_values=True))
                product.received.append((self.path, form, self.headers["X-Twilio-Signature"]))
                self.send_response(product.statuses.pop(0) if product.statuses else 200)
                self.end_headers()
                self.wfile.write(product.twiml.encode())

            def log_message(self, *_arguments: Any) -> None:
                """Stay quiet."""

        return Handler

    @property
    def reported(self) -> list[str]:
        return [form["MessageStatus"] for _path, form, _signature in self.received]

    def forget(self) -> None:
        self.received.clear()
        self.statuses.clear()
        self.twiml = ""

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture(scope="module")
def product_process() -> Iterator[Product]:
    product = Product()
    yield product
    product.close()


@pytest.fixture(scope="module")
def own_process(product_process: Product) -> Iterator[Server]:
    server = Server(SANDBOX_SMS_INBOUND_URL=f"{product_process.url}/sms/inbound/")
    yield server
    server.stop()


@pytest.fixture
def server(own_process: Server) -> Server:
    own_process.post("reset")
    return own_process


@pytest.fixture
def product(product_process: Product) -> Product:
    product_process.forget()
    return product_process


class LocalHttp:
    """The client's own HTTP, with another base address."""

    def __init__(self, base: str) -> None:
        self._http = TwilioHttpClient()
        self._base = base

    def request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        local = url.replace("https://api.twilio.com", self._base)
        return self._http.request(method, local, *arguments, **options)


def client(server: Server, token: str = TOKEN) -> Client:
    return Client(SID, token, http_client=LocalHttp(f"{server.url}/twilio"))


def send(server: Server, to: str = ALICE, **options: Any) -> Any:
    return client(server).messages.create(to=to, **{"from_": OURS, "body": "Hello", **options})


def eventually(question: Callable[[], Any], seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def statuses(server: Server, sid: str) -> str:
    return str(client(server).messages(sid).fetch().status)


@pytest.mark.slow
def test_a_message_is_queued_then_delivered(server: Server) -> None:
    message = send(server, body="Maple: welcome")
    assert message.status == "queued"
    assert message.sid.startswith("SM")
    assert message.num_segments == "1"
    assert message.date_created == pytest.approx(datetime.now(UTC), abs=timedelta(seconds=5))
    assert eventually(lambda: statuses(server, message.sid) == "delivered")
    (shown,) = server.get("phone", to=ALICE)
    assert shown["sid"] == message.sid
    assert (shown["body"], shown["from"], shown["status"]) == ("Maple: welcome", OURS, "delivered")


@pytest.mark.slow
def test_every_status_is_reported_in_order_and_signed(server: Server, product: Product) -> None:
    url = f"{product.url}/sms/status/a-token/?kind=receipt"
    message = send(server, status_callback=url)
    assert eventually(lambda: len(product.received) == 3)
    assert product.reported == ["queued", "sent", "delivered"]
    for path, form, signature in product.received:
        assert path == "/sms/status/a-token/?kind=receipt"
        assert form["MessageSid"] == message.sid
        assert RequestValidator(TOKEN).validate(url, form, signature)
        assert not RequestValidator("another").validate(url, form, signature)


@pytest.mark.slow
def test_an_unreachable_phone_is_reported_as_undelivered(server: Server, product: Product) -> None:
    message = send(server, UNREACHABLE, status_callback=product.url)
    assert eventually(lambda: len(product.received) == 3)
    assert product.reported == ["queued", "sent", "undelivered"]
    assert product.received[-1][1]["ErrorCode"] == "30003"
    fetched = client(server).messages(message.sid).fetch()
    assert (fetched.status, fetched.error_code) == ("undelivered", 30003)


@pytest.mark.slow
def test_a_failed_callback_is_repeated_and_delays_only_reports(
    server: Server, product: Product
) -> None:
    product.statuses = [500, 500]
    message = send(server, status_callback=product.url)
    assert eventually(lambda: statuses(server, message.sid) == "delivered", seconds=2)
    assert eventually(lambda: len(product.received) == 5)
    assert product.reported == ["queued", "queued", "queued", "sent", "delivered"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"to": "+15005550001"}, 21211),
        ({"to": "5550123"}, 21211),
        ({"to": "+15005550002"}, 21612),
        ({"to": "+15005550003"}, 21408),
        ({"to": "+15005550004"}, 21610),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550001"}, 21212),
        ({"from_": "+15005550000"}, 21606),
        ({"from_": "+15005550007"}, 21606),
        ({"from_": "+15005550008"}, 21611),
        ({"from_": None}, 21603),
        ({"body": None}, 21602),
        ({"body": "x" * 1601}, 21617),
        ({"status_callback": "nowhere"}, 21609),
    ],
)
def test_what_twilio_refuses_is_refused(server: Server, wrong: dict[str, Any], code: int) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        send(server, **wrong)
    assert (refusal.value.status, refusal.value.code) == (400, code)
    assert server.get("phone") == []


def test_a_wrong_token_is_refused(server: Server) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        client(server, "wrong").messages.create(to=ALICE, from_=OURS, body="x")
    assert (refusal.value.status, refusal.value.code) == (401, 20003)


def test_an_unknown_message_is_not_found(server: Server) -> None:
    with pytest.raises(TwilioRestException) as refusal:
        client(server).messages("SM" + "0" * 32).fetch()
    assert (refusal.value.status, refusal.value.code) == (404, 20404)


def test_messages_are_listed_by_number_and_time_over_pages(server: Server) -> None:
    sent = [send(server, body=f"{number}").sid for number in range(5)]
    send(server, "+14155550199")
    messages = client(server).messages
    now = datetime.now(UTC)
    assert [one.sid for one in messages.list(to=ALICE, page_size=2)] == sent[::-1]
    assert len(messages.list(from_=OURS, date_sent_after=now - timedelta(hours=1))) == 6
    assert messages.list(date_sent_after=now + timedelta(hours=1)) == []
    assert len(messages.list(date_sent=now.date())) == 6


def test_the_api_keeps_to_real_time_and_the_phone_to_the_sandboxs(server: Server) -> None:
    server.post("clock", advance="month")
    message = send(server)
    assert message.date_created == pytest.approx(datetime.now(UTC), abs=timedelta(seconds=5))
    (shown,) = server.get("phone")
    assert shown["at"] == pytest.approx(server.get("clock")["now"], abs=5)


def test_after_stop_nothing_is_sent_until_start(server: Server) -> None:
    server.post("phone/inbound", **{"from": ALICE, "body": " stop "})
    with pytest.raises(TwilioRestException) as refusal:
        send(server)
    assert refusal.value.code == 21610
    server.post("phone/inbound", **{"from": ALICE, "body": "START"})
    assert send(server).status == "queued"


def test_a_text_reaches_the_product_signed_and_its_reply_the_phone(
    server: Server, product: Product
) -> None:
    product.twiml = (
        "<?xml version='1.0'?><Response><Message>Write to help@x.y &amp; wait</Message></Response>"
    )
    answer = server.post("phone/inbound", **{"from": ALICE, "body": "Where are you?"})
    ((path, form, signature),) = product.received
    assert path == "/sms/inbound/"
    assert (form["From"], form["To"], form["Body"]) == (ALICE, OURS, "Where are you?")
    assert RequestValidator(TOKEN).validate(f"{product.url}/sms/inbound/", form, signature)
    assert (answer["answer"], answer["reply"]) == (200, "Write to help@x.y & wait")
    assert server.get("phone", to=ALICE)[0]["body"] == "Write to help@x.y & wait"


def test_a_reply_to_stop_is_blocked_as_any_other_message(server: Server, product: Product) -> None:
    product.twiml = "<Response><Message>Goodbye</Message></Response>"
    server.post("phone/inbound", **{"from": ALICE, "body": "STOP"})
    goodbye, confirmation = server.get("phone", to=ALICE)
    assert (goodbye["status"], goodbye["error_code"]) == ("failed", 21610)
    assert confirmation["body"].startswith("You have successfully been unsubscribed")


def test_the_phone_page_shows_threads_and_sends_replies(server: Server) -> None:
    send(server, body="Maple: <b>welcome</b>")
    answer = server.http.post("/phone/reply", data={"from": ALICE, "body": "HELP"})
    assert answer.status_code == 303
    shown = server.http.get(answer.headers["Location"]).text
    assert "Maple: &lt;b&gt;welcome&lt;/b&gt;" in shown
    assert "Reply STOP to unsubscribe" in shown
    server.http.post("/phone/reply", data={"from": ALICE, "body": "STOP"})
    assert "opted out: STOP" in server.http.get("/phone/").text


def test_the_failure_switch_answers_5xx(server: Server) -> None:
    server.post("switches", twilio_fail=1)
    with pytest.raises(TwilioRestException) as refusal:
        send(server)
    assert refusal.value.status in (500, 503)
    server.post("switches", twilio_fail=0)
    assert send(server).status == "queued"
    assert len(server.get("phone")) == 1


def test_a_text_is_sent_though_its_answer_is_lost(server: Server) -> None:
    server.post("switches", twilio_answer_lost=1)
    with pytest.raises(requests.exceptions.ConnectionError):
        send(server)
    server.post("switches", twilio_answer_lost=0)
    assert len(server.get("phone")) == 1


def test_advanced_opt_out_answers_and_names_the_keyword(server: Server, product: Product) -> None:
    server.post("switches", twilio_advanced_opt_out=True)
    answer = server.post("phone/inbound", **{"from": ALICE, "body": "Parar"})
    assert answer["reply"] is None
    assert product.received[-1][1]["OptOutType"] == "STOP"
    with pytest.raises(TwilioRestException):
        send(server)
    server.post("phone/inbound", **{"from": ALICE, "body": "ayuda"})
    assert product.received[-1][1]["OptOutType"] == "HELP"
    server.post("phone/inbound", **{"from": ALICE, "body": "start"})
    assert send(server).status == "queued"
    server.post("phone/inbound", **{"from": ALICE, "body": "Hello"})
    assert "OptOutType" not in product.received[-1][1]


def test_a_picture_comes_with_its_address(server: Server, product: Product) -> None:
    server.post("phone/inbound", **{"from": ALICE, "body": "", "files": 2})
    form = product.received[-1][1]
    assert (form["NumMedia"], form["Body"], form["MediaContentType1"]) == ("2", "", "image/jpeg")


def test_a_service_chooses_the_number_and_the_price_comes_at_the_end(server: Server) -> None:
    service = "MG" + "0" * 32
    sent = client(server).messages.create(to=ALICE, messaging_service_sid=service, body="a" * 161)
    assert (sent.status, sent.from_, sent.num_segments, sent.price) == ("accepted", None, "0", None)
    messages = client(server).messages
    assert eventually(lambda: messages(sent.sid).fetch().price == "-0.01660")
    now = messages(sent.sid).fetch()
    assert (now.from_, now.num_segments, now.price_unit) == (OURS, "2", "USD")
    with pytest.raises(TwilioRestException) as refusal:
        client(server).messages.create(to=ALICE, messaging_service_sid="MG1", body="x")
    assert refusal.value.code == 21705

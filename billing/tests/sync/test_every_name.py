"""Names and addresses of all scripts go all the way, from the sign-up to the evidence."""

from __future__ import annotations

import io
import itertools
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.disputes import evidence, evidence_files
from billing.disputes.case import gather
from billing.models import Checkout, Customer, Dispute, Payment
from billing.tests.life import deliver
from common import addresses, characters
from conftest import Sandbox
from emails.models import Message
from members import consent, names, phones
from members.models import ConsentSource
from members.tests.actors import browser, enter_email_code, last_code, sign_up
from testing.thorough import examples

pytestmark = pytest.mark.django_db
NAMES = [
    *("Łukasz Nowak", "Иван Петров", "O’Brien", "李小龍", "محمد", "Zoë 👩‍🚀"),
    *("नरेन्द्र मोदी", "ชัชชาติ", "ゆき", "Sigríður Þórsdóttir", "Nguyễn Thị Ánh", "Anna\vBell\u202e"),
]
EMAILS = ["jan@żółw.example", "jürgen@example.com", "o'brien@example.com", "иван@почта.рф"]
LETTERS = st.sampled_from("aßŁżØЖщβωאבحبمगीไทย中龍ゆカ한글ԱაሀꓘﬁéÅ")
NAME = st.lists(LETTERS | st.sampled_from(" ’'-`\u200d👩🚀🏽\v\u202e"), min_size=1, max_size=30)
LOCAL = st.text(LETTERS | st.sampled_from("az09+_-"), min_size=1, max_size=12)
# A label has one direction, or no DNS has it.
LABEL = st.one_of(
    *(
        st.text(st.sampled_from(few), min_size=1, max_size=8)
        for few in ("azłżóß", "жщ", "中龍한글", "קה")
    )
)
_count = itertools.count(1)


def journey(sandbox: Sandbox, name: str, email: str) -> None:
    """Walk somebody from the sign-up to the evidence about their disputed payment."""
    sandbox.control("reset")
    number = next(_count)
    client = browser(address=f"198.51.100.{number % 250 + 1}")
    kept, shown = addresses.canonical(email), characters.line(name)
    sign_up(client, email, name=name)
    enter_email_code(client, kept, last_code(kept))
    user = User.objects.get(email=kept)
    assert user.get_full_name() == shown
    phone = f"+1202555{number % 10000:04}"
    phones.confirm(user, phone)
    consent.agree(user.member, ConsentSource.SIGNUP)

    answer = client.post(reverse("billing:subscribe"))
    session = Checkout.objects.for_user(user).get().session_id
    assert session in answer["Location"]
    sandbox.control(f"checkout/{session}/complete", authenticate=True)
    deliver(sandbox.events())

    assert Customer.objects.get(user=user).name == shown
    payment = Payment.objects.for_user(user).get()
    told = Message.objects.filter(user=user)
    assert {(row.state, row.error) for row in told.filter(channel="email")} == {("sent", "")}
    receipts = [one for one in sandbox.look("mailbox") if "$29.00" in one["text"]]
    assert {one["headers"]["To"] for one in receipts} == {addresses.deliverable(kept)}
    assert any(text["to"] == phone and "$29.00" in text["body"] for text in sandbox.look("phone"))

    year = timezone.localtime(payment.created_at).year
    statement = client.get(reverse("billing:statement-pdf", args=[year]))
    assert statement.content.startswith(b"%PDF-")
    assert "29.00" in client.get("/payments/payments.csv").getvalue().decode()
    charge = sandbox.stripe.v1.payment_intents.retrieve(payment.stripe_id).latest_charge
    sandbox.control(f"charges/{charge}/dispute")
    deliver(sandbox.events())
    _check_evidence(user, shown)


def _check_evidence(user: User, name: str) -> None:
    dispute = Dispute.objects.get(customer__user=user)
    content: dict[str, Any] = evidence.content(gather(dispute))
    assert content["narrative"][0].startswith(f"{name} opened an account")
    packed = zipfile.ZipFile(io.BytesIO(evidence_files.packet(dispute, timezone.now())))
    assert packed.read("evidence.pdf").startswith(b"%PDF-")
    assert all(packed.read(file) for file in packed.namelist())
    assert user.email in packed.read("messages.csv").decode()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_name_goes_all_the_way(sandbox: Sandbox, name: str) -> None:
    journey(sandbox, name, "somebody@example.com")


@pytest.mark.slow
@pytest.mark.parametrize("email", EMAILS)
def test_an_address_goes_all_the_way(sandbox: Sandbox, email: str) -> None:
    journey(sandbox, "Jan Nowak", email)


@settings(
    max_examples=examples(few=2, many=5),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a journey takes too long to shrink
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(letters=NAME, local=LOCAL, label=LABEL)
def test_whoever_it_is_goes_all_the_way(
    sandbox: Sandbox, letters: list[str], local: str, label: str
) -> None:
    name = "".join(letters)
    if not names.is_plausible(characters.line(name)):
        name = f"Ł {name}"
    journey(sandbox, name, f"{local}{next(_count)}@{label}.example")

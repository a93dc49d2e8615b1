"""bin/demo: what it chooses, keeps and shows."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import launch


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(launch, "HOME", tmp_path)
    return tmp_path


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((launch.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_choices_are_kept_from_start_to_start(home: Path) -> None:
    first = launch.Choices(web_port=8042)

    first.save()

    assert launch.Choices.load() == first


def test_choices_of_an_earlier_version_are_read(home: Path) -> None:
    (home / "choices.json").write_text('{"web_port": 8042, "no_longer_there": true}')

    assert launch.Choices.load().web_port == 8042


def test_the_secret_key_is_random_and_only_the_owner_may_read_it(home: Path) -> None:
    choices = launch.Choices()

    choices.save()

    assert choices.secret_key != launch.Choices().secret_key
    assert (home / "choices.json").stat().st_mode & 0o077 == 0


def all_at(port: int) -> launch.Choices:
    return launch.Choices(web_port=port, sandbox_port=port, smtp_port=port, imap_port=port)


def ports_of(choices: launch.Choices) -> list[int]:
    return [choices.web_port, choices.sandbox_port, choices.smtp_port, choices.imap_port]


def test_a_taken_port_moves_to_the_next_free_one(taken_port: int) -> None:
    choices = all_at(taken_port)

    choices.take_free_ports()

    ports = ports_of(choices)
    assert ports == sorted(set(ports))
    assert taken_port not in ports


def test_two_demos_that_start_at_once_choose_other_ports(taken_port: int) -> None:
    first, second = all_at(taken_port), all_at(taken_port)
    first.take_free_ports()
    second.take_free_ports()
    assert set(ports_of(first)).isdisjoint(ports_of(second))


def test_a_second_demo_of_one_checkout_is_refused(home: Path) -> None:
    with (
        launch._only_one(),
        pytest.raises(launch.DemoError, match="running already"),
        launch._only_one(),
    ):
        pass


@pytest.mark.slow
def test_a_world_without_its_database_starts_over(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from common.postgres import temporary_cluster

    seeded = home / "seeded"
    monkeypatch.setattr(launch, "SEEDED", seeded)
    with temporary_cluster() as cluster:
        assert not launch._has_world(cluster)
        seeded.write_text("/somewhere/else")
        cluster.create_database(launch.DATABASE)
        assert not launch._has_world(cluster)
        seeded.write_text(str(cluster.home))
        assert launch._has_world(cluster)
        cluster.drop_database(launch.DATABASE)
        assert not launch._has_world(cluster)


def test_the_portal_knows_the_key_of_the_banks_mails(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "WORLD", home / "sandbox")

    first, again = (launch._bank_keys(launch.environment(launch.Choices())) for _ in range(2))

    assert first == again
    ((name, record),) = json.loads(first).items()
    assert name.endswith("._domainkey.chase.com")
    assert record.startswith("v=DKIM1; k=rsa; p=")


def test_the_table_names_every_place_and_sign_in(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_ins = home / "signins.json"
    sign_ins.write_text(
        json.dumps([{"role": "Member", "email": "amy@example.com", "password": "a-password"}])
    )
    monkeypatch.setattr(launch, "SIGN_INS", sign_ins)

    table = launch._table(launch.Choices(web_port=8001, sandbox_port=8011))

    for shown in (
        "http://localhost:8001/staff/",
        "http://127.0.0.1:8011/mailbox/",
        "http://127.0.0.1:8011/bank/",
        "http://127.0.0.1:8011/phone/",
        "amy@example.com  a-password",
    ):
        assert shown in table

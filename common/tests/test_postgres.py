"""The embedded PostgreSQL, with the machine's real programs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from common import postgres
from common.postgres import programs

COMMAND = [sys.executable, "-m", "common.postgres"]


@pytest.fixture(scope="module")
def one_cluster() -> Iterator[postgres.Cluster]:
    """One for all: to make one takes longer than most of these tests."""
    with postgres.temporary_cluster() as running:
        yield running


@pytest.fixture
def cluster(one_cluster: postgres.Cluster) -> postgres.Cluster:
    """A running cluster, whatever the test before did to it."""
    one_cluster.start()
    return one_cluster


def answer(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def test_the_url_names_a_socket_folder_and_no_network_address(cluster: postgres.Cluster) -> None:
    parts = conninfo_to_dict(cluster.url)

    assert parts["dbname"] == "portal"
    assert parts["host"] == str(cluster.socket)
    assert len(str(cluster.socket)) < 100
    assert answer(cluster.url, "SHOW listen_addresses") == ""


def test_nobody_else_can_reach_the_socket(cluster: postgres.Cluster) -> None:
    assert cluster.socket.stat().st_mode & 0o777 == 0o700


def test_the_server_never_runs_as_root(cluster: postgres.Cluster) -> None:
    pid = cluster.server_pid()

    assert pid
    # PostgreSQL starts only on a folder that belongs to the user it runs as.
    assert cluster.data.stat().st_uid != 0


@pytest.mark.slow
def test_committed_rows_survive_a_restart(cluster: postgres.Cluster) -> None:
    with psycopg.connect(cluster.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")

    cluster.restart()

    assert answer(cluster.url, "SELECT number FROM kept") == 42


@pytest.mark.slow
def test_a_stopped_server_does_not_answer_and_starts_again(cluster: postgres.Cluster) -> None:
    cluster.stop()
    cluster.stop()

    assert not cluster.is_running()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(cluster.url)

    cluster.start()

    assert cluster.is_running()


def test_a_server_that_was_killed_starts_again(cluster: postgres.Cluster) -> None:
    pid = cluster.server_pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    while cluster.server_pid():
        time.sleep(0.01)

    cluster.start()

    assert answer(cluster.url, "SELECT 1") == 1


@pytest.mark.slow
def test_a_process_that_took_over_the_old_process_id_is_left_alone(
    cluster: postgres.Cluster,
) -> None:
    cluster.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (cluster.data / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster.data}\n")

        cluster.start()

        assert answer(cluster.url, "SELECT 1") == 1
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.slow
def test_a_server_whose_socket_was_deleted_is_started_afresh(cluster: postgres.Cluster) -> None:
    (cluster.socket / ".s.PGSQL.5432").unlink()

    cluster.start()

    assert answer(cluster.url, "SELECT 1") == 1


@pytest.mark.slow
def test_many_starting_at_once_share_one_server(cluster: postgres.Cluster) -> None:
    cluster.stop()

    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: cluster.start(), range(4)))

    assert answer(cluster.url, "SELECT 1") == 1


def test_databases_are_created_once_and_dropped_under_their_clients(
    cluster: postgres.Cluster,
) -> None:
    cluster.create_database("other")
    cluster.create_database("other")

    with psycopg.connect(cluster.url_of("other")):
        assert cluster.client_count() == 1
        cluster.drop_database("other")

    assert not cluster.has_database("other")


@pytest.mark.slow
def test_a_throwaway_cluster_leaves_nothing_behind() -> None:
    with postgres.temporary_cluster() as cluster:
        assert cluster.server_pid()

    assert not cluster.server_pid()
    assert not cluster.home.exists()


@pytest.mark.slow
def test_the_command_gets_the_address_and_its_exit_code_comes_back() -> None:
    script = "import os; print(os.environ['DATABASE_URL']); raise SystemExit(7)"
    temporary = [*COMMAND, "temporary", "--name", "shop", "--", sys.executable, "-c", script]

    done = subprocess.run(temporary, capture_output=True, text=True, check=False)

    parts = conninfo_to_dict(done.stdout.strip())
    assert done.returncode == 7
    assert parts["dbname"] == "shop"
    assert not Path(str(parts["host"])).exists()


@pytest.mark.slow
def test_a_killed_command_still_leaves_nothing_behind() -> None:
    script = "import os; print(os.environ['DATABASE_URL'], flush=True); os.kill(os.getpid(), 9)"
    temporary = [*COMMAND, "temporary", "--", sys.executable, "-c", script]

    done = subprocess.run(temporary, capture_output=True, text=True, check=False)

    assert done.returncode == 128 + signal.SIGKILL
    assert not Path(str(conninfo_to_dict(done.stdout.strip())["host"])).exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_command_and_all_is_removed(number: signal.Signals) -> None:
    script = (
        "import os, signal, time;"
        # Started in the background (`bin/test &`), a command would be deaf to Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "print(os.environ['DATABASE_URL'], flush=True); time.sleep(60)"
    )
    temporary = [*COMMAND, "temporary", "--", sys.executable, "-c", script]
    with subprocess.Popen(
        temporary, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        assert running.stdout
        url = running.stdout.readline().decode().strip()
        running.send_signal(number)

    assert running.returncode == 128 + number
    assert not Path(str(conninfo_to_dict(url)["host"])).exists()


@pytest.mark.slow
def test_what_a_killed_run_left_is_removed_by_the_next() -> None:
    script = "import os, time; print(os.environ['DATABASE_URL'], flush=True); time.sleep(60)"
    temporary = [*COMMAND, "temporary", "--", sys.executable, "-c", script]
    with subprocess.Popen(temporary, stdout=subprocess.PIPE) as running:
        assert running.stdout
        url = running.stdout.readline().decode().strip()
        running.kill()
    home = Path(str(conninfo_to_dict(url)["host"])).parent
    assert home.exists()

    with postgres.temporary_cluster():
        assert not home.exists()


def test_without_programs_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "MACHINE_PLACES", ())
    monkeypatch.setattr(programs, "WHEEL", "no_such_package")

    with pytest.raises(postgres.PostgresError, match=r"PostgreSQL 14 or later was not found: .+"):
        postgres.find_binaries()

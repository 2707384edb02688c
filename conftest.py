"""What all tests may ask for: a PostgreSQL server, and the stores that what holds for any store is tested on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from tests import stores
from tests.postgres import EmptyStores, Server, server
from tests.stores import Stores
from trigger_core import Library

STORES = ("duckdb", "postgresql")

if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # as in a shell's background: commands under test would ignore it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, one for each process of pytest; a machine that can run none fails the test."""
    with server(syncs=False) as running:
        yield running


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    """A new, empty database."""
    return postgres.create_database()


@pytest.fixture(scope="session")
def postgres_stores(postgres: Server) -> EmptyStores:
    """Databases with all tables and nothing in them."""
    return EmptyStores(postgres)


@pytest.fixture(scope="session")
def duckdb_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Empty DuckDB stores."""
    with stores.in_files(tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="session")
def empty_library(duckdb_stores: Stores) -> Callable[..., Library]:
    """Gives a library over an empty DuckDB store; as keywords, what `trigger_core.open` takes."""
    return lambda **options: Library(duckdb_stores.lend(), **options)


@pytest.fixture(scope="session", params=STORES)
def new_store(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Makes an empty store of each kind and says its URL, or lends one that is open."""
    if request.param == "duckdb":
        yield request.getfixturevalue("duckdb_stores")
        return
    with stores.on_server(request.getfixturevalue("postgres_stores")) as made:
        yield made


@pytest.fixture(autouse=True)
def _given_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Takes back the databases that a test used, and drops those that it made."""
    if "postgres" not in request.fixturenames and "[postgresql" not in request.node.name:
        yield
        return
    databases: EmptyStores = request.getfixturevalue("postgres_stores")
    with databases.server.dropping():
        yield
    databases.give_back()

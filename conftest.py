"""What all tests may ask for: a PostgreSQL server, and the stores that what holds for any store is tested on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

import trigger_core
from tests.postgres import Server, server

STORES = ("duckdb", "postgresql")


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
def postgres_store(postgres: Server) -> str:
    """The URL of a database with all tables and nothing in them, to make copies of."""
    trigger_core.open(made := postgres.create_database(keep=True)).close()
    return made


@pytest.fixture(scope="session", params=STORES)
def new_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Makes an empty store of each kind, and says its URL."""
    if request.param == "duckdb":
        return lambda: f"duckdb://{tmp_path_factory.mktemp('store') / 'store.duckdb'}"
    running: Server = request.getfixturevalue("postgres")
    made: str = request.getfixturevalue("postgres_store")
    return lambda: running.create_database(urlsplit(made).path[1:])


@pytest.fixture(autouse=True)
def _dropped(request: pytest.FixtureRequest) -> Iterator[None]:
    """Drops the databases that a test made, before thousands of them fill the disk."""
    if "postgres" not in request.fixturenames and "[postgresql" not in request.node.name:
        yield
        return
    running: Server = request.getfixturevalue("postgres")
    with running.dropping():
        yield

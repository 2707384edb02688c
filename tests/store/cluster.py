"""PostgreSQL databases with a stand-in for Citus, tests/store/citus, as their extension of that name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

import trigger_core
from tests.postgres import OwnServer, Server, own_server

STAND_IN: Final = Path(__file__).with_name("citus")


class Cluster:
    """A server that can find the stand-in among its files."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self._folder = folder
        self._empty: str | None = None

    def create_store(self, *, offered: bool = True, created: bool = True) -> str:
        """The URL of a new store with all tables and nothing in them.

        Args:
            offered: whether its database could have the extension.
            created: whether it has.
        """
        if self._empty is None:
            trigger_core.open(made := self.server.create_database(keep=True)).close()
            self._empty = urlsplit(made).path[1:]
        url = self.server.create_database(self._empty)
        if not offered:
            return url
        with psycopg.connect(url, autocommit=True) as connection:
            paths = f"{self._folder}:$system"
            connection.execute(
                f"alter database {connection.info.dbname} set extension_control_path = '{paths}'".encode()
            )
        if created:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("create extension citus")
        return url


@contextmanager
def cluster(running: Server) -> Iterator[Cluster]:
    """The stand-in on that server if it is our own, or else on another: a named one doesn't see our files."""
    if not isinstance(running, OwnServer):
        with own_server(syncs=False) as own, cluster(own) as made:
            yield made
        return
    folder = running.folder / "citus"
    if not folder.exists():
        shutil.copytree(STAND_IN, folder)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    with running.dropping():
        yield Cluster(running, folder)

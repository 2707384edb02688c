"""The admin socket: how other commands reach a store that one process has open.

A DuckDB file belongs to one process. A service that has one open listens on a Unix socket beside it, on which
commands of the same user are carried out: the request, a file, results and progress go over it in frames, each
a letter and a length before its bytes. Nothing that comes over it may be trusted with memory, and nothing of a failure
but its kind goes back.
"""

from __future__ import annotations

import io
import json
import logging
import os
import socket
import stat
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import blake2b
from threading import BoundedSemaphore, Event, Lock, Thread
from types import TracebackType
from typing import IO, Any, Final, Protocol, Self

from trigger_core._causes import causes
from trigger_core.errors import StoreError, StoreUnavailable

_REQUEST, _DATA, _END, _OUT, _ERROR, _PROGRESS, _EXIT = b"r", b"d", b".", b"o", b"e", b"p", b"x"
_HEAD: Final = struct.Struct("!cI")
_MOST: Final = 1 << 20
_FLUSH: Final = 1 << 16
_CONNECTIONS: Final = 8
_PATIENCE: Final = 10.0
"""Seconds that a request, or the end of a stopping server's work, is waited for."""

AVAILABLE: Final = hasattr(socket, "AF_UNIX")
"""Whether the system has such sockets; without them, a store in use can't be reached."""

_LONGEST_PATH: Final = 100
"""Bytes that a socket's path may surely have: 104 to 108 are the bounds of the systems there are."""

_logger = logging.getLogger(__name__)


class Streams(Protocol):
    """Where a command reads a file, and where its results, messages and progress go."""

    def source(self) -> IO[bytes]:
        """The file, to be closed by the caller."""

    def out(self, data: bytes) -> None:
        """Takes a part of the result."""

    def error(self, text: str) -> None:
        """Takes a line about what went wrong."""

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Takes how far it is."""


Run = Callable[[str, Mapping[str, Any], Streams], int]
"""Carries out a command by name, with its arguments; returns the exit code."""


def path_of(store: str) -> str | None:
    """The real path of a store's file; none if the store isn't one.

    >>> path_of("duckdb:///var/lib/../triggers.duckdb")
    '/var/triggers.duckdb'
    """
    scheme, separator, path = store.partition("://")
    if not separator:
        path = store
    return None if path == ":memory:" or scheme.startswith("postgres") else os.path.realpath(path)


def addresses(path: str) -> list[str]:
    """Where the socket of the store at a real path may be.

    Beside it; or elsewhere, where that is too long a name, or a file system that has no sockets.
    """
    beside = f"{path}.sock"
    name = blake2b(os.fsencode(path), digest_size=12).hexdigest()
    elsewhere = f"{_elsewhere()}/{name}.sock"
    return [beside, elsewhere] if len(os.fsencode(beside)) <= _LONGEST_PATH else [elsewhere]


class Server:
    """Carries out commands that come over a store's socket, each connection in a thread of its own.

    The store must be open in this process: then a socket that is there already was left by a dead one.

    Args:
        path: the store's real path.
        run: carries out a command; it may be called by several threads at once.

    Raises:
        StoreError: the socket can't be made.
    """

    def __init__(self, path: str, run: Run) -> None:
        self._run = run
        self._places = BoundedSemaphore(_CONNECTIONS)
        self._connections: dict[socket.socket, Thread] = {}
        self._lock = Lock()
        self._closed = Event()
        self.address, self._listener = _listening(path)
        self._acceptor = Thread(target=self._accept, name="trigger-core admin", daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes no more commands, breaks off those under way, and removes the socket."""
        self._closed.set()
        with suppress(OSError):
            os.unlink(self.address)
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            running = dict(self._connections)
        for connection in running:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + _PATIENCE
        for thread in running.values():
            thread.join(max(0, deadline - time.monotonic()))

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                # There are too many open files, say: somebody will close some.
                self._closed.wait(0.1)
                continue
            connection.settimeout(_PATIENCE)
            thread = Thread(
                target=self._serve, args=(connection,), name="trigger-core admin command", daemon=True
            )
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError, _Broken):
                if _peer(connection)[1] != _user():
                    return
                with connection.makefile("rb") as reader:
                    answer = _Outgoing(connection, reader)
                    if not self._places.acquire(blocking=False):
                        answer.refuse("the service carries out as many commands as it can; try again")
                        return
                    try:
                        self._carry_out(connection, reader, answer)
                    finally:
                        self._places.release()
        finally:
            with self._lock:
                self._connections.pop(connection, None)

    def _carry_out(self, connection: socket.socket, reader: IO[bytes], answer: _Outgoing) -> None:
        try:
            kind, data = _receive(reader)
            request = json.loads(data)
            command, arguments = request["command"], request["arguments"]
            if kind != _REQUEST or not isinstance(command, str) or not isinstance(arguments, dict):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError):
            answer.refuse("that was no request")
            return
        connection.settimeout(None)
        try:
            answer.exit(self._run(command, arguments, answer))
        except _Broken:
            raise
        except Exception as error:
            _logger.error("The command %s failed: %s", command, causes(error))
            answer.refuse(f"the service failed to do it ({type(error).__name__}); its log says more")


class _Broken(Exception):
    """The other side went away, or sent what makes no sense."""


class _Outgoing:
    """A command's streams on the service's side of the socket."""

    def __init__(self, connection: socket.socket, reader: IO[bytes]) -> None:
        self._connection = connection
        self._reader = reader
        self._waiting = bytearray()

    def source(self) -> IO[bytes]:
        return io.BufferedReader(_Incoming(self._reader), _FLUSH)

    def out(self, data: bytes) -> None:
        self._waiting += data
        if len(self._waiting) >= _FLUSH:
            self._flush()

    def error(self, text: str) -> None:
        self._flush()
        _send(self._connection, _ERROR, text.encode("utf-8", "replace"))

    def progress(self, what: str, done: int, total: int | None) -> None:
        _send(self._connection, _PROGRESS, json.dumps([what, done, total]).encode())

    def exit(self, code: int) -> None:
        self._flush()
        _send(self._connection, _EXIT, str(code).encode())

    def refuse(self, text: str) -> None:
        self.error(text)
        self.exit(2)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, bytearray()
        for start in range(0, len(waiting), _MOST):
            _send(self._connection, _OUT, waiting[start : start + _MOST])


class _Incoming(io.RawIOBase):
    """The bytes that come in frames; a stream that ends without saying so is an error."""

    def __init__(self, reader: IO[bytes]) -> None:
        self._reader = reader
        self._rest = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and not self._ended:
            kind, data = _receive(self._reader)
            if kind not in (_DATA, _END):
                raise _Broken
            self._ended = kind == _END
            self._rest = memoryview(data)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def ask(
    socket_path: str, command: str, arguments: Mapping[str, Any], streams: Streams, *, sends: bool = False
) -> int:
    """Has a command carried out by the service that listens on a socket.

    Args:
        socket_path: the socket.
        command: the command's name.
        arguments: its arguments, as JSON has them.
        streams: where everything goes, and where the file comes from.
        sends: whether there is a file to send.

    Returns:
        The command's exit code.

    Raises:
        ConnectionError: no service listens there.
        StoreUnavailable: the service ended before it had answered.
    """
    with _connected(socket_path) as connection:
        sender = _Sender(connection, streams)
        try:
            _send(
                connection, _REQUEST, json.dumps({"command": command, "arguments": dict(arguments)}).encode()
            )
            if sends:
                sender.start()
            with connection.makefile("rb") as reader:
                while True:
                    kind, data = _receive(reader)
                    if kind == _EXIT:
                        return int(data)
                    if kind == _OUT:
                        streams.out(data)
                    elif kind == _ERROR:
                        streams.error(data.decode())
                    elif kind == _PROGRESS:
                        streams.progress(*json.loads(data))
        except _Broken as error:
            if sender.error is not None:
                raise sender.error from None
            raise StoreUnavailable(
                "the service that has the store open ended before it had answered"
            ) from error


def socket_of(path: str) -> str | None:
    """Where the service listens that has the store at a real path open; none where there is none."""
    for address in addresses(path):
        with suppress(OSError), _connected(address):
            return address
    return None


def owner(socket_path: str) -> int | None:
    """The process id of the service that listens on a socket; none where there is none."""
    try:
        with _connected(socket_path) as connection:
            return _peer(connection)[0] or None
    except OSError:
        return None


class _Sender(Thread):
    """Sends a file while the service's answers are read: neither side waits for the other to read."""

    def __init__(self, connection: socket.socket, streams: Streams) -> None:
        super().__init__(name="trigger-core file", daemon=True)
        self._connection = connection
        self._streams = streams
        self.error: OSError | None = None

    def run(self) -> None:
        """Sends it, with its end."""
        try:
            with self._streams.source() as source:
                # Not through the buffer: a thread that waits for it would keep the interpreter from ending.
                while data := os.read(source.fileno(), _FLUSH):
                    _send(self._connection, _DATA, data)
            _send(self._connection, _END, b"")
        except _Broken:
            pass
        except OSError as error:
            self.error = error
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)


def _connected(socket_path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE)
        connection.connect(socket_path)
        connection.settimeout(None)
        if _peer(connection)[1] != _user():
            raise ConnectionRefusedError("it is another user's")
    except BaseException:
        connection.close()
        raise
    return connection


def _send(connection: socket.socket, kind: bytes, data: bytes | bytearray) -> None:
    try:
        connection.sendall(_HEAD.pack(kind, len(data)) + data)
    except OSError as error:
        raise _Broken from error


def _receive(reader: IO[bytes]) -> tuple[bytes, bytes]:
    try:
        head = reader.read(_HEAD.size)
        kind, size = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"", _MOST + 1)
        data = reader.read(size) if size <= _MOST else b""
    except OSError as error:
        raise _Broken from error
    if len(data) != size:
        raise _Broken
    return kind, data


def _peer(connection: socket.socket) -> tuple[int, int]:
    """The other side's process and user; where the system doesn't tell, the socket's mode must do."""
    if not hasattr(socket, "SO_PEERCRED"):
        return 0, _user()
    process, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return process, user


def _user() -> int:
    return os.geteuid()


def _elsewhere() -> str:
    """The user's directory of sockets; not in TMPDIR, of which a service and a shell may have one each."""
    return f"/tmp/trigger-core-{_user()}"  # noqa: S108  nobody else can enter it


def _listening(path: str) -> tuple[str, socket.socket]:
    """A store's socket, where it can be made first."""
    failures = []
    for address in addresses(path):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _make_way(address)
            listener.bind(address)
            os.chmod(address, 0o600)
            listener.listen(_CONNECTIONS)
            listener.settimeout(0.5)
        except OSError as error:
            listener.close()
            failures.append(f"{address}: {error.strerror or error}")
        else:
            return address, listener
    raise StoreError(
        f"the admin socket, by which commands reach the store, can't be made: {'; '.join(failures)}: "
        "remove what is in its way, or move the store to a folder that has sockets"
    )


def _make_way(socket_path: str) -> None:
    """Makes the socket's directory where it is the user's own, and removes a socket that is dead."""
    directory = os.path.dirname(socket_path)
    if directory == _elsewhere():
        with suppress(FileExistsError):
            os.mkdir(directory, 0o700)
        found = os.lstat(directory)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != _user() or found.st_mode & 0o077:
            raise OSError("its directory must be one that only its owner, this user, can enter")
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(socket_path).st_mode):
            raise OSError("there is a file of that name")
        os.unlink(socket_path)

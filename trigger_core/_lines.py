"""The lines of a file that somebody else wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Final

from trigger_core import _json
from trigger_core.errors import InvalidValue

_LONGEST: Final = 1 << 20
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class CountedLines:
    """The lines of a stream, and how many bytes were read so far; a line that is too long is cut off."""

    def __init__(self, source: IO[bytes] | IO[str]) -> None:
        self._source = source
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        first = True
        while line := self._read():
            end = line
            while len(end) > _LONGEST and not end.endswith(b"\n"):
                end = self._read()
            yield line.removeprefix(_BYTE_ORDER_MARK) if first else line
            first = False

    def _read(self) -> bytes:
        read = self._source.readline(_LONGEST + 1)
        line = read.encode("utf-8", "surrogatepass") if isinstance(read, str) else read
        self.bytes += len(line)
        return line


def parsed(line: bytes) -> Any:
    """The JSON value that a line stands for.

    Raises:
        InvalidValue: it is none, or too long.
    """
    if len(line) > _LONGEST:
        raise InvalidValue("line", f"must be no longer than {_LONGEST} bytes")
    return _json.parse(line, "line")

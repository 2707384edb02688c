"""The terminal, or whatever standard input, output and error are."""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from typing import IO

_EVERY = 0.1


class OutputClosed(Exception):
    """Nobody reads the results any more."""


def prepare() -> None:
    """Puts nothing in the place of standard streams that were closed, and lets the others show any text.

    The next files that are opened would have the closed ones' numbers, the store's among them: what is read as standard
    input would then be the store.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDWR)  # has the lowest number that is free, which is this one
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does by itself


class Terminal:
    """Standard output for results, standard error for messages and, if it is a terminal, a bar for progress.

    Args:
        file: the path of what is to be read, or ``-`` for standard input.
    """

    def __init__(self, file: str | None = None) -> None:
        self._file = file
        self._bar = sys.stderr.isatty()
        self._drawn = 0
        self._drawn_at = 0.0

    def source(self) -> IO[bytes]:
        """What is to be read."""
        if self._file is None or self._file == "-":
            return open(0, "rb", closefd=False)
        return open(self._file, "rb")

    def out(self, data: bytes) -> None:
        """Writes a part of the result."""
        try:
            if hasattr(sys.stdout, "buffer"):
                sys.stdout.buffer.write(data)
            else:
                sys.stdout.write(data.decode())
        except BrokenPipeError:
            raise OutputClosed from None

    def error(self, text: str) -> None:
        """Writes a line about what went wrong."""
        self.wipe()
        print(text, file=sys.stderr)

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Draws how far it is, ten times a second at most."""
        now = time.monotonic()
        if not self._bar or (now < self._drawn_at + _EVERY and done != total):
            return
        if total:
            width = max(10, min(40, shutil.get_terminal_size().columns - len(what) - 10))
            filled = min(width, done * width // total)
            line = f"{what} {'#' * filled}{'.' * (width - filled)} {done * 100 // total:3d} %"
        else:
            line = f"{what} {done:,}"
        self.wipe()
        print(line, end="\r", file=sys.stderr, flush=True)
        self._drawn, self._drawn_at = len(line), now

    def close(self) -> None:
        """Wipes the bar and hands the results over."""
        self.wipe()
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            raise OutputClosed from None

    def wipe(self) -> None:
        """Wipes the bar."""
        if self._drawn:
            print(" " * self._drawn, end="\r", file=sys.stderr)
            self._drawn = 0

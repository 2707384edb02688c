"""How a command comes to a store: by opening it, or through the service that has it open."""

from __future__ import annotations

import os
import time
from typing import Final

import trigger_core
from trigger_core import Library, _admin
from trigger_core.errors import InvalidInput, StoreInUse

_PATIENCE: Final = 3.0
"""Seconds that a store is waited for which another short command has open, or a service that starts or stops."""


def reach(store: str, *, make: bool) -> Library | str:
    """The open library or, where a service has the store open, its admin socket.

    Args:
        store: the store.
        make: whether it may be made.

    Raises:
        InvalidInput: it isn't there.
        StoreInUse: a process has it open that has no such socket.
    """
    path = _admin.path_of(store)
    if path is not None and not make and not os.path.exists(path):
        raise InvalidInput(f"there is no store at {path}")
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return trigger_core.open(store)
        except StoreInUse:
            if path is not None and _admin.AVAILABLE and (address := _admin.socket_of(path)) is not None:
                return address
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def is_file(store: str) -> bool:
    """Whether a store is one file, or not even that, of one process."""
    return ":memory:" in store or _admin.path_of(store) is not None


def named(store: str) -> str:
    """A store as a process in another directory names it."""
    path = _admin.path_of(store)
    return store if path is None else f"{store.partition('://')[0]}://{path}" if "://" in store else path


def own(store: str, *, make: bool = True) -> Library:
    """The open library, for a service.

    Args:
        store: the store.
        make: whether it may be made.

    Raises:
        InvalidInput: it isn't there.
        StoreInUse: another service, or any other process, has the store open.
    """
    reached = reach(store, make=make)
    if isinstance(reached, str):
        process = _admin.owner(reached)
        raise StoreInUse(f"{_admin.path_of(store)} is served already, by process {process or 'unknown'}")
    return reached

"""What the commands do with a library: in this process, or in the one that has the store open."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

import attrs

import trigger_core
from trigger_core import Library, copying, imports, journal
from trigger_core._admin import Streams
from trigger_core.copying import CopyRefused
from trigger_core.errors import FactError, InvalidValue, NotFound, TriggerCoreError
from trigger_core.facts import iso, uuid
from trigger_core.imports import RowsRefused
from trigger_core.journal import JournalRefused

_SHOWN: Final = 100

Arguments = Mapping[str, Any]


def carry_out(library: Library, command: str, arguments: Arguments, streams: Streams) -> int:
    """Carries out a command; what can be expected to go wrong becomes a message and exit code 2."""
    if command not in COMMANDS:
        streams.error(f"the service knows no command {command}; is it of another version?")
        return 2
    try:
        return COMMANDS[command](library, arguments, streams)
    except (JournalRefused, RowsRefused) as error:
        _name_lines(streams, error.errors, error.count)
        told = str(error).partition(":")[0]
        if isinstance(error, RowsRefused):
            told += "; --skip-invalid stores the rest"
        elif not error.recorded:
            told += "; --skip-invalid records the rest"
        streams.error(told)
    except CopyRefused as error:
        for conflict in error.conflicts[:_SHOWN]:
            streams.error(str(conflict))
        streams.error(
            f"the stores contradict each other {_times(len(error.conflicts))}; one side has to be changed"
        )
    except (TriggerCoreError, OSError) as error:
        streams.error(said(error))
    return 2


def _name_lines(streams: Streams, errors: Sequence[FactError], count: int) -> None:
    """Names what is wrong with those of ``count`` lines that are described."""
    for error in errors:
        streams.error(f"line {error}")
    if more := count - len({error.row for error in errors}):
        streams.error(f"and {more} more")


def said(error: Exception) -> str:
    """What a person is told of an error."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def list_queries(queries: Iterable[tuple[str, Sequence[str], str]], as_json: bool, streams: Streams) -> int:
    """Lists queries: name, parameters, what each answers."""
    for name, parameters, comment in queries:
        if as_json:
            _say(streams, _json({"name": name, "parameters": parameters, "comment": comment}))
        else:
            _say(streams, " ".join([name, *(f"{parameter}=…" for parameter in parameters)]))
            _say(streams, f"    {comment}")
    return 0


def _init(library: Library, arguments: Arguments, streams: Streams) -> int:
    told: dict[str, Any] = {"store": library.store.url, "ready": True}
    how = ""
    if arguments["distributed"]:
        told["newly_distributed"] = library.store.distribute()
        how = ", distributed now" if told["newly_distributed"] else ", distributed already"
    _say(streams, _json(told) if arguments["json"] else f"{library.store.url} is ready{how}")
    return 0


def _record(library: Library, arguments: Arguments, streams: Streams) -> int:
    with streams.source() as source:
        summary = journal.record(
            library,
            source,
            skip_invalid=arguments["skip_invalid"],
            progress=_sized(streams, arguments["size"]),
        )
    _name_lines(streams, summary.errors, summary.skipped)
    if arguments["json"]:
        counts = {"lines": summary.lines, "recorded": dict(summary.recorded), "skipped": summary.skipped}
        _say(streams, _json(counts))
    else:
        recorded = (
            ", ".join(f"{count} {kind}" for kind, count in summary.recorded.items() if count) or "nothing"
        )
        skipped = f"; skipped {summary.skipped} invalid lines" if summary.skipped else ""
        _say(streams, f"recorded {recorded}{skipped}")
    return 0


def _import_contacts(library: Library, arguments: Arguments, streams: Streams) -> int:
    return _import(partial(imports.import_contacts, library, arguments["account"]), arguments, streams)


def _import_list(library: Library, arguments: Arguments, streams: Streams) -> int:
    importing = partial(imports.import_list, library, arguments["account"], arguments["name"])
    return _import(importing, arguments, streams)


def _import(importing: Callable[..., imports.Imported], arguments: Arguments, streams: Streams) -> int:
    """Imports what comes in or, of a format that isn't read from a stream, the file itself."""
    with ExitStack() as stack:
        done = importing(
            arguments.get("path") or stack.enter_context(streams.source()),
            format=arguments["format"],
            skip_invalid=arguments["skip_invalid"],
            progress=_sized(streams, arguments["size"]),
        )
    _name_lines(streams, done.errors, done.skipped)
    if arguments["json"]:
        _say(streams, _json({"rows": done.rows, "stored": done.stored, "skipped": done.skipped}))
    else:
        skipped = f"; skipped {done.skipped} invalid rows" if done.skipped else ""
        _say(streams, f"stored {done.stored} of {done.rows} rows{skipped}")
    return 0


def _sized(streams: Streams, size: int | None) -> journal.Progress:
    """Tells progress with the size of a file, which its stream does not know."""
    return lambda what, done, total: streams.progress(what, done, total or size)


def _export(library: Library, arguments: Arguments, streams: Streams) -> int:
    trigger_id = arguments["trigger_id"]
    for fact in library.export(arguments["account"] or _owner(library, trigger_id), trigger_id):
        streams.out(journal.line(fact))
    return 0


def _owner(library: Library, trigger_id: str) -> str:
    """The account of a trigger: whoever may read the store may read all of them."""
    try:
        key = uuid(trigger_id, "trigger_id")
    except InvalidValue:
        raise NotFound(f"there is no trigger {trigger_id}") from None
    with library.store.read() as session:
        for account, *_ in session.rows("trigger_heads", trigger_ids=[key]):
            return str(account)
    raise NotFound(f"there is no trigger {trigger_id}")


def _create_key(library: Library, arguments: Arguments, streams: Streams) -> int:
    account, scopes = arguments["account"], arguments["scopes"]
    made = library.create_key(account, scopes, test=arguments["test"], expires_at=arguments["expires_at"])
    if arguments["json"]:
        _say(streams, _json({"key_id": made.key_id, "account": account, "scopes": scopes, "key": made.key}))
    else:
        _say(streams, f"key {made.key_id} of {account} for {', '.join(scopes)}, shown this once: {made.key}")
    return 0


def _list_keys(library: Library, arguments: Arguments, streams: Streams) -> int:
    columns = ("key_id", "prefix", "scopes", "created_at", "expires_at", "revoked_at")
    keys = library.keys(arguments["account"])
    if arguments["json"]:
        for key in keys:
            _say(streams, _json(attrs.asdict(key)))
    else:
        rows = [
            [", ".join(key.scopes) if name == "scopes" else getattr(key, name) for name in columns]
            for key in keys
        ]
        _table(streams, columns, rows)
    return 0


def _revoke_key(library: Library, arguments: Arguments, streams: Streams) -> int:
    try:
        library.revoke_key(arguments["account"], arguments["key_id"])
    except NotFound:
        raise NotFound(f"{arguments['account']} has no key {arguments['key_id']}") from None
    if arguments["json"]:
        _say(streams, _json({"key_id": arguments["key_id"], "revoked": True}))
    else:
        _say(streams, f"revoked {arguments['key_id']}")
    return 0


def _audit(library: Library, arguments: Arguments, streams: Streams) -> int:
    count = 0
    for difference in library.audit():
        count += 1
        _say(streams, _json(attrs.asdict(difference)) if arguments["json"] else str(difference))
    if not arguments["json"]:
        _say(streams, {0: "no difference", 1: "1 difference"}.get(count, f"{count} differences"))
    return 1 if count else 0


def _copy(library: Library, arguments: Arguments, streams: Streams) -> int:
    """Copies between the library and another store, of which one process at a time can have either open."""
    with trigger_core.open(arguments["from"] or arguments["to"]) as other:
        source, target = (other, library) if arguments["from"] else (library, other)
        copied = copying.copy(source, target, progress=streams.progress)
    counts = {
        field.name: getattr(copied, field.name)
        for field in attrs.fields(type(copied))
        if field.name not in ("source", "target")
    }
    found = {"source": copied.source, "target": copied.target}
    if arguments["json"]:
        differences = {side: [attrs.asdict(each) for each in some] for side, some in found.items()}
        _say(streams, _json({**counts, "differences": differences}))
        return 0 if copied.is_sound else 1
    named = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count)
    _say(streams, f"copied {named or 'nothing'}")
    for side, some in found.items():
        for difference in some:
            _say(streams, f"{side}: {difference}")
    _say(streams, "no difference on either side" if copied.is_sound else "differences were found")
    return 0 if copied.is_sound else 1


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _compact(library: Library, arguments: Arguments, streams: Streams) -> int:
    library.compact()
    _say(streams, _json({"compacted": True}) if arguments["json"] else "compacted")
    return 0


def _run_sql(library: Library, arguments: Arguments, streams: Streams) -> int:
    table = library.query(arguments["name"], arguments["parameters"])
    if arguments["json"]:
        for row in table.rows:
            _say(streams, _json(dict(zip(table.columns, row, strict=True))))
    else:
        _table(streams, table.columns, table.rows)
    return 0


def _snapshot(library: Library, arguments: Arguments, streams: Streams) -> int:
    path = arguments["path"]
    library.snapshot(path)
    size = os.path.getsize(path)
    _say(
        streams,
        _json({"path": path, "bytes": size}) if arguments["json"] else f"wrote {path}, {size:,} bytes",
    )
    return 0


def _health(library: Library, arguments: Arguments, streams: Streams) -> int:
    library.health()
    _say(streams, _json({"status": "ok"}) if arguments["json"] else "ok")
    return 0


COMMANDS: Final[Mapping[str, Callable[[Library, Arguments, Streams], int]]] = {
    "init": _init,
    "record": _record,
    "import contacts": _import_contacts,
    "import list": _import_list,
    "export": _export,
    "keys create": _create_key,
    "keys list": _list_keys,
    "keys revoke": _revoke_key,
    "audit": _audit,
    "compact": _compact,
    "copy": _copy,
    "sql run": _run_sql,
    "snapshot": _snapshot,
    "health": _health,
}


def _say(streams: Streams, line: str) -> None:
    streams.out(line.encode() + b"\n")


def _json(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return iso(value) if isinstance(value, datetime) else str(value)


def _table(streams: Streams, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Columns under their names, as wide as what stands in them."""
    lines = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        _say(streams, "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    text = "" if value is None else iso(value) if isinstance(value, datetime) else str(value)
    return text if text.isprintable() else repr(text)

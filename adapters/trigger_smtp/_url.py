"""What a URL says of a mail server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from trigger_core.errors import InvalidValue

PASSWORD_VARIABLE: Final = "TRIGGER_CORE_SMTP_PASSWORD"  # noqa: S105  a name

_PORTS: Final = {"smtp": 587, "smtps": 465}
_WAYS: Final = ("unsubscribe_url", "unsubscribe_mailto")
_SHAPE: Final = "smtp://user@host:port?from=hello@acme.example"


def arguments(url: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of ``SMTPSender``. Nothing of the URL is repeated in an error: there may be a password in it.

    >>> arguments("smtps://acme@mail.example?from=hello@acme.example", {PASSWORD_VARIABLE: "secret"})["port"]
    465
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidValue("sender", f"must be like {_SHAPE}") from None
    if parts.password is not None:
        raise InvalidValue("sender", f"must have no password in its URL: set {PASSWORD_VARIABLE}")
    if not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise InvalidValue("sender", f"must be like {_SHAPE}")
    # a plus sign is one in an address, though a query's stands for a blank
    options = parse_qs(parts.query.replace("+", "%2B"), keep_blank_values=True)
    allowed = ["from", *_WAYS, *(["security"] if parts.scheme == "smtp" else [])]
    if unknown := [name for name in options if name not in allowed]:
        raise InvalidValue("sender", f"must not have the option {unknown[0]}; known are {', '.join(allowed)}")
    if "from" not in options or any(len(values) > 1 for values in options.values()):
        raise InvalidValue("sender", f"must say once who it is from, and nothing twice: {_SHAPE}")
    found: dict[str, Any] = {
        "host": parts.hostname,
        "port": port or _PORTS[parts.scheme],
        "sender": options["from"][0],
        "security": "tls" if parts.scheme == "smtps" else options.get("security", ["starttls"])[0],
    }
    found |= {name: options[name][0] for name in _WAYS if name in options}
    if parts.username:
        if not environment.get(PASSWORD_VARIABLE):
            raise InvalidValue("sender", f"needs the user's password in {PASSWORD_VARIABLE}")
        found |= {"username": unquote(parts.username), "password": environment[PASSWORD_VARIABLE]}
    return found

"""What a message looks like on its way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, parseaddr
from hashlib import sha256
from html.parser import HTMLParser
from typing import Final

from attrs import frozen

from trigger_core.errors import InvalidValue

_CRLF: Final = "\r\n"
_MIME: Final = SMTP.clone(cte_type="7bit")
_LOCAL: Final = re.compile(r"""[^\s\x00-\x20\x7f-\x9f"(),:;<>@\[\\\]]{1,64}""")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINK: Final = re.compile(r"https://[!#-;=?-~]{1,900}")
_HTML: Final = re.compile(r"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_BLOCKS: Final = frozenset({"br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "p", "table", "tr"})
_UNSEEN: Final = frozenset({"script", "style", "title"})


def address(value: object) -> str | None:
    r"""An address as SMTP takes it, its domain in ASCII; None where it is none, or its domain can't be told for sure.

    >>> address("anna@bücher.example"), address("anna@example.com>\r\nBcc: eve@example.com")
    ('anna@xn--bcher-kva.example', None)
    """
    if not isinstance(value, str) or len(value) > 320:
        return None
    local, _, name = value.rpartition("@")
    try:
        domain = name.encode("idna").decode()
        # The codec is of IDNA 2003, which takes ß for ss: that would be somebody else's domain.
        if not name.isascii() and domain.encode().decode("idna") != name.lower():
            return None
    except UnicodeError:
        return None
    return f"{local}@{domain}" if _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else None


@frozen
class Origin:
    """Who an e-mail is from.

    Attributes:
        address: the address alone, in ASCII.
        header: with the name.
        domain: what is behind the @.
    """

    address: str
    header: str
    domain: str


def origin(value: object) -> Origin:
    """Who ``anna@acme.example`` or ``Acme <anna@acme.example>`` is, or ``InvalidValue``."""
    wrong = InvalidValue("sender", "must be an ASCII address such as Acme <hello@acme.example>")
    if not isinstance(value, str) or _CONTROLS.search(value):
        raise wrong
    name, bare = parseaddr(value)
    known = address(bare)
    if known is None or not known.isascii():
        raise wrong
    return Origin(known, formataddr((name, known)), known.rpartition("@")[2])


def link(value: object) -> str:
    """An address in the web for one-click unsubscribing, which RFC 8058 wants encrypted, or ``InvalidValue``."""
    if not isinstance(value, str) or not _LINK.fullmatch(value):
        raise InvalidValue(
            "unsubscribe_url", "must begin with https:// and have 1 to 900 more characters of a URL"
        )
    return value


def message_id(token: str, domain: str) -> str:
    """The Message-ID of a token: the same for the same one.

    >>> message_id("t1", "acme.example")
    '<628b49d96dcde97a430dd4f597705899@acme.example>'
    """
    return f"<{sha256(token.encode()).hexdigest()[:32]}@{domain}>"


def write(
    sender: Origin, name: str, to: str, subject: str | None, text: str, unsubscribe: Sequence[str]
) -> bytes:
    """A whole e-mail, lines ended as SMTP wants them.

    Raises:
        ValueError: the text has something in it that no e-mail can carry, such as a lone surrogate.
    """
    mail = EmailMessage(policy=_MIME)
    if subject:
        mail["Subject"] = _CONTROLS.sub(" ", subject).strip()
    if _HTML.match(text):
        mail.set_content(plain(text))
        mail.add_alternative(text, subtype="html")
    else:
        mail.set_content(text)
    # Written by hand, since the email package breaks or encodes a long word, and then no link or id works.
    lines = [
        f"Date: {format_datetime(datetime.now(UTC))}",
        f"Message-ID: {name}",
        f"From: {sender.header}",
        f"To: {to}",
    ]
    if unsubscribe:
        lines.append(f"List-Unsubscribe: {f',{_CRLF} '.join(f'<{way}>' for way in unsubscribe)}")
    if any(way.startswith("https:") for way in unsubscribe):
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return "".join(f"{line}{_CRLF}" for line in lines).encode() + mail.as_bytes()


class _Reader(HTMLParser):
    """Gathers what a reader of a page would see."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.parts.append("\n")
        if tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag == "a" and self._links and (href := self._links.pop()):
            self.parts.append(f" ({href})")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain(html: str) -> str:
    r"""The text of an HTML page, with its links.

    >>> plain("<html><head><title>Hi</title></head><p>Dear Anna,</p><p>see <a href='https://a.example'>this</a></html>")
    'Dear Anna,\nsee this (https://a.example)\n'
    """
    reader = _Reader()
    with suppress(AssertionError):  # how the parser gives up, at a section such as <![foo[
        reader.feed(html)
        reader.close()
    lines = (line.strip() for line in "".join(reader.parts).split("\n"))
    return "".join(f"{line}\n" for line in lines if line)

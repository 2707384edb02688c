"""What a message looks like on its way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, parseaddr
from hashlib import sha256
from html import unescape
from typing import Final
from unicodedata import normalize

from attrs import frozen

from trigger_core.errors import InvalidValue
from trigger_core.senders import is_html

_CRLF: Final = "\r\n"
_MIME: Final = SMTP.clone(cte_type="7bit")
_LOCAL: Final = re.compile(r"""[^\s\x00-\x20\x7f-\x9f"(),:;<>@\[\\\]]{1,64}""")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINK: Final = re.compile(r"https://[!#-;=?-~]{1,900}")
_LINE: Final = 76
_LONGEST_LINE: Final = 998
_BLOCKS: Final = frozenset({"br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "p", "table", "tr"})
_UNSEEN: Final = frozenset({"script", "style", "title"})
# No branch looks further than it takes, so that however tags are left open, each character is looked at a few times.
_TOKEN: Final = re.compile(
    r"""<!--(?:(?!-->).)*+(?:-->)?
    |</(?P<ended>[a-zA-Z][a-zA-Z0-9]*+)[^>]*+>?
    |<[!?/][^>]*+>?
    |<(?P<begun>[a-zA-Z][a-zA-Z0-9]*+)(?P<attributes>(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+)>
    |(?P<text>[^<]++|<)""",
    re.DOTALL | re.VERBOSE,
)
_HREF: Final = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""", re.IGNORECASE)


def address(value: object) -> str | None:
    r"""An address as SMTP takes it, its domain in ASCII; None where it is none, or its domain can't be told for sure.

    >>> address("anna@bücher.example"), address("anna@example.com>\r\nBcc: eve@example.com")
    ('anna@xn--bcher-kva.example', None)
    """
    if not isinstance(value, str) or len(value) > 320:
        return None
    local, _, name = value.rpartition("@")
    domain = ".".join(map(_in_ascii, name.split(".")))
    return f"{local}@{domain}" if _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain) else None


def _in_ascii(label: str) -> str:
    """A part of a domain as IDNA 2008 writes it; nothing where it isn't in its normal form, so would be another."""
    if label.isascii():
        return label
    lower = label.lower()
    return f"xn--{lower.encode('punycode').decode()}" if normalize("NFKC", lower) == lower else ""


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
    if is_html(text):
        mail.set_content(plain(text))
        mail.add_alternative(text, subtype="html")
    else:
        mail.set_content(text)
    # Written by hand: the email package breaks or encodes a long word, and then no link or id works. Of a subject it
    # decodes what looks like an encoded word, and writes the line ends in that as they are.
    lines = [
        f"Date: {format_datetime(datetime.now(UTC))}",
        f"Message-ID: {name}",
        f"From: {sender.header}",
        f"To: {to}",
    ]
    if subject and (said := _CONTROLS.sub(" ", subject).strip()):
        lines.append(f"Subject: {_subject(said)}")
    if unsubscribe:
        lines.append(f"List-Unsubscribe: {f',{_CRLF} '.join(f'<{way}>' for way in unsubscribe)}")
    if any(way.startswith("https:") for way in unsubscribe):
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return "".join(f"{line}{_CRLF}" for line in lines).encode() + mail.as_bytes()


def _subject(text: str) -> str:
    """A subject as a header has it: as it is, or where it couldn't be or would be read as another, in encoded words."""
    is_plain = text.isascii() and "=?" not in text and len(f"Subject: {text}") <= _LONGEST_LINE
    return text if is_plain else Header(text, "utf-8", _LINE, "Subject").encode(linesep=_CRLF)


def plain(html: str) -> str:
    r"""The text of an HTML page, with its links; whatever the page is, in a time that grows as the page does.

    >>> plain("<html><head><title>Hi</title></head><p>Dear Anna,</p><p>see <a href='https://a.example'>this</a></html>")
    'Dear Anna,\nsee this (https://a.example)\n'
    """
    parts: list[str] = []
    links: list[str] = []
    unseen = 0
    for token in _TOKEN.finditer(html):
        begun, ended = (token["begun"] or "").lower(), (token["ended"] or "").lower()
        if token["text"] and not unseen:
            parts.append(re.sub(r"\s+", " ", unescape(token["text"])))
        elif begun in _UNSEEN or ended in _UNSEEN:
            unseen = max(0, unseen + (1 if begun else -1))
        elif begun in _BLOCKS:
            parts.append("\n")
        elif begun == "a":
            href = _HREF.search(token["attributes"])
            links.append(unescape(href[1] or href[2] or href[3] or "") if href else "")
        elif ended == "a" and links and (link := links.pop()):
            parts.append(f" ({link})")
    lines = (line.strip() for line in "".join(parts).split("\n"))
    return "".join(f"{line}\n" for line in lines if line)

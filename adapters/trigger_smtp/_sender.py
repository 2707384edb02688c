"""The sender, and what its server's answers mean."""

from __future__ import annotations

import os
import re
import smtplib
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Final, Self

from trigger_core.errors import InvalidValue
from trigger_core.facts import Event, choice, text, whole
from trigger_core.senders import Accepted, Message, Rejected, Result
from trigger_smtp import _mail, _url

SECURITY: Final = ("starttls", "tls", "none")
_BUSY: Final = 421
_GO_AHEAD: Final = 354
_ASCII: Final = "must be ASCII text: give username and password, or neither"
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]+")

_IN_DOUBT: Final = Rejected(
    code="in_doubt", message="The connection broke before the server said whether it took the message"
)
_LOST: Final = Rejected(
    code="connection_lost", message="The connection to the mail server broke before the message", retry=True
)


class _Broken(Exception):
    """The connection is of no use any more, and the message was not handed over."""

    def __init__(self, result: Rejected = _LOST) -> None:
        super().__init__(result.code)
        self.result = result


class SMTPSender:
    """Sends e-mail through an SMTP server, over one connection that is kept.

    A text that begins with ``<!doctype html`` or ``<html`` is sent as HTML, with a plain alternative made from it; any
    other as plain text. The Message-ID, made from the token and the sender's domain, is the ``provider_message_id``.

    The server's refusals are given on with its code: of a recipient or a text, a 4xx is tried again, a 5xx is not. Also
    tried again is what was not handed over, because there was no connection, or not with the security asked for, or the
    login or the sender was refused: that is a fault of the setting, not of the message, and can be put right. A
    connection that was closed between two messages is opened again. One that breaks after the server asked for a
    message's text leaves that message ``in_doubt``, and it alone: nobody knows whether it was sent, so it isn't tried
    again; what follows in the same call is. Nothing is logged, and no exception has an address or a password in it.

    Any thread may call any method; calls of ``send`` wait for each other.

    Attributes:
        provider, idempotent, most: as the port of senders has them; a server may send the same Message-ID twice.

    >>> smtp = SMTPSender("127.0.0.1", 587, sender="Acme <hello@acme.example>", username="acme", password="secret")
    >>> smtp
    SMTPSender(host='127.0.0.1', port=587, security='starttls')
    >>> smtp.close()
    """

    idempotent = False

    def __init__(
        self,
        host: str,
        port: int = 587,
        *,
        sender: str,
        username: str | None = None,
        password: str | None = None,
        security: str = "starttls",
        context: ssl.SSLContext | None = None,
        timeout: float = 30,
        unsubscribe_url: str | Callable[[Message], str] | None = None,
        unsubscribe_mailto: str | None = None,
        provider: str = "smtp",
        most: int = 20,
        local_hostname: str | None = None,
    ) -> None:
        """A sender; it connects when it has something to send.

        Args:
            host: the server's name.
            port: 587 for submission, 465 with ``security="tls"``.
            sender: who it is from: ``hello@acme.example`` or ``Acme <hello@acme.example>``.
            username: for servers that want a login, with ``password``; never sent unencrypted.
            password: ASCII, like the user name.
            security: ``starttls``, ``tls`` from the first byte, or ``none``.
            context: how certificates are checked; by the system's authorities unless told.
            timeout: seconds to wait for each answer.
            unsubscribe_url: an https address for List-Unsubscribe and one click; or what makes one of a message,
                to tell contacts apart.
            unsubscribe_mailto: an e-mail address for List-Unsubscribe.
            provider: its name in attempts.
            most: how many messages it takes at once; where the process is killed, all of them are in doubt.
            local_hostname: what it says it is; this computer's full name unless told.

        Raises:
            InvalidValue: naming the argument that is wrong.
        """
        self.provider = text(provider, "provider", 200)
        self.most = whole(most, "most", 1)
        self._host = text(host, "host")
        self._port = whole(port, "port", 1, 65535)
        self._security = choice(security, "security", SECURITY)
        if not timeout > 0:
            raise InvalidValue("timeout", "must be more than 0 seconds")
        self._timeout = timeout
        self._context = context
        self._local_hostname = local_hostname
        self._origin = _mail.origin(sender)
        self._login = _login(username, password, security)
        self._url = unsubscribe_url if callable(unsubscribe_url) else None
        self._ways = [] if unsubscribe_url is None or self._url else [_mail.link(unsubscribe_url)]
        if unsubscribe_mailto is not None:
            mailto = _mail.address(unsubscribe_mailto)
            if mailto is None or not mailto.isascii():
                raise InvalidValue(
                    "unsubscribe_mailto", "must be an ASCII address such as leave@acme.example"
                )
            self._ways.append(f"mailto:{mailto.replace('%', '%25').replace('?', '%3F')}?subject=unsubscribe")
        self._smtp: smtplib.SMTP | None = None
        self._lock = Lock()

    @classmethod
    def from_url(cls, channel: str, url: str) -> Self:
        """The sender that a URL names: ``smtp://user@host:port?from=hello@acme.example``.

        ``smtp:`` goes over to TLS by STARTTLS, ``smtps:`` begins with it, and ``smtp:`` with ``&security=none`` does
        neither. ``unsubscribe_url`` and ``unsubscribe_mailto`` are options, too. The password is what the environment
        variable TRIGGER_CORE_SMTP_PASSWORD holds. Percent signs are percent-encoded, and so is an @ in the user's name.

        Raises:
            InvalidValue: it is for another channel than ``email``, or something in the URL is missing or wrong.
        """
        if channel != "email":
            raise InvalidValue("sender", f"must be another for {channel}: SMTP is for email")
        return cls(**_url.arguments(url, os.environ))

    def __repr__(self) -> str:
        return f"SMTPSender(host={self._host!r}, port={self._port}, security={self._security!r})"

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """What became of each message, in order; never an exception because of the server or of a message."""
        results: list[Result] = []
        with self._lock:
            given_up: Rejected | None = None
            for message in messages:
                mail = self._write(message)
                if isinstance(mail, Rejected):
                    results.append(mail)
                elif given_up is not None:
                    results.append(given_up)
                else:
                    try:
                        result = self._hand_over(*mail)
                    except _Broken as broken:
                        result = given_up = broken.result
                    if result is _IN_DOUBT:
                        given_up = _LOST
                    results.append(result)
        return results

    def events(self) -> list[Event]:
        """Nothing: what comes back comes as e-mail, to the sender's address."""
        return []

    def close(self) -> None:
        """Ends the connection; what is sent afterwards opens another one."""
        with self._lock:
            smtp, self._smtp = self._smtp, None
            if smtp is not None:
                with suppress(smtplib.SMTPException, OSError):
                    smtp.quit()
                smtp.close()

    def _write(self, message: Message) -> tuple[str, str, bytes] | Rejected:
        """A message's recipient, Message-ID and bytes."""
        to = _mail.address(message.address)
        if to is None:
            return Rejected(code="invalid_address", message="The address is no e-mail address")
        name, ways = _mail.message_id(message.token, self._origin.domain), self._ways
        if self._url is not None:
            try:
                ways = [_mail.link(self._url(message)), *ways]
            except Exception as error:  # what it raises would leave those already sent in doubt
                problem = (
                    error.problem if isinstance(error, InvalidValue) else f"raised {type(error).__name__}"
                )
                return Rejected(code="unsubscribe_url", message=f"unsubscribe_url {problem}", retry=True)
        try:
            return to, name, _mail.write(self._origin, name, to, message.subject, message.text, ways)
        except ValueError:
            return Rejected(code="invalid_text", message="The subject or text can't be written as an e-mail")

    def _hand_over(self, to: str, name: str, mail: bytes) -> Result:
        """Hands one over, over a new connection where the kept one was closed meanwhile."""
        try:
            if self._smtp is not None:
                try:
                    return self._transact(self._smtp, to, name, mail)
                except _Broken:
                    self._drop()
            return self._transact(self._connect(), to, name, mail)
        except BaseException:  # also of an interrupt: the next message would be given this one's answers
            self._drop()
            raise

    def _transact(self, smtp: smtplib.SMTP, to: str, name: str, mail: bytes) -> Result:
        welcome = begun = False
        try:
            options = [] if to.isascii() else ["SMTPUTF8"]
            if options and not smtp.has_extn("smtputf8"):
                return Rejected(code="smtputf8", message="The server takes no address beyond ASCII")
            code, said = smtp.mail(self._origin.address, options)
            if welcome := code == 250:
                code, said = smtp.rcpt(to)
            if code in {250, 251}:
                code, said = smtp.docmd("DATA")
                begun = code == _GO_AHEAD
            if begun:
                smtp.send(_dotted(mail))
                code, said = smtp.getreply()
        except (smtplib.SMTPException, OSError):
            if not begun:
                raise _Broken from None
            self._drop()
            return _IN_DOUBT
        if not begun and (code == _BUSY or not 400 <= code < 600):
            raise _Broken(_refusal(code, said) if code == _BUSY else _LOST)
        if begun and 200 <= code < 300:
            return Accepted(provider_message_id=name)
        if not 400 <= code < 600:
            self._drop()
            return _IN_DOUBT
        self._reset(smtp, closed=code == _BUSY)
        return _refusal(code, said, setting=not welcome)

    def _reset(self, smtp: smtplib.SMTP, *, closed: bool) -> None:
        """Takes back what was said of the refused message."""
        try:
            if closed or smtp.rset()[0] != 250:
                self._drop()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _connect(self) -> smtplib.SMTP:
        smtp: smtplib.SMTP | None = None
        try:
            if self._security == "tls":
                smtp = smtplib.SMTP_SSL(
                    self._host, self._port, self._local_hostname, timeout=self._timeout, context=self._tls()
                )
            else:
                smtp = smtplib.SMTP(self._host, self._port, self._local_hostname, timeout=self._timeout)
            if self._security == "starttls":
                smtp.starttls(context=self._tls())
            smtp.ehlo_or_helo_if_needed()
            if self._login is not None:
                smtp.login(*self._login)
        except (smtplib.SMTPException, OSError) as error:
            if smtp is not None:
                smtp.close()
            raise _Broken(_failure(error)) from None
        self._smtp = smtp
        return smtp

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _login(username: str | None, password: str | None, security: str) -> tuple[str, str] | None:
    if username is None and password is None:
        return None
    if not username or not username.isascii():
        raise InvalidValue("username", _ASCII)
    if not password or not password.isascii():
        raise InvalidValue("password", _ASCII)
    if security == "none":
        raise InvalidValue("security", "must be starttls or tls where there is a password")
    return username, password


def _dotted(mail: bytes) -> bytes:
    """A mail as DATA has it: a dot more before lines that begin with one, and a dot alone at its end."""
    ended = mail if mail.endswith(b"\r\n") else mail + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended) + b".\r\n"


def _refusal(code: int, said: bytes, *, setting: bool = False) -> Rejected:
    shown = _UNPRINTABLE.sub(" ", said.decode("utf-8", "replace")).strip()[:1000]
    return Rejected(code=str(code), message=shown or "The server gave no reason", retry=setting or code < 500)


def _failure(error: Exception) -> Rejected:
    """Why there is no connection. A server's words about a login may name the user, so they are left out."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return Rejected(
                code=str(error.smtp_code), message="The mail server refused the login", retry=True
            )
        case smtplib.SMTPResponseException(smtp_code=code):
            message = f"The mail server answered {code} before any message"
            return Rejected(code=str(code), message=message, retry=True)
        case smtplib.SMTPNotSupportedError():
            message = "The mail server offers no STARTTLS, or no login, as it was told to use"
            return Rejected(code="not_supported", message=message, retry=True)
        case smtplib.SMTPException():
            message = "The mail server closed the connection, or knows none of our ways to log in"
        case ssl.SSLCertVerificationError():
            message = f"The mail server's certificate is not trusted: {error.verify_message}"
        case TimeoutError():
            message = "The mail server did not answer in time"
        case _:
            message = f"No connection to the mail server: {getattr(error, 'strerror', None) or type(error).__name__}"
    return Rejected(code="connection_failed", message=message, retry=True)

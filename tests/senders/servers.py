"""Mail servers for tests: a real one, and one that says what it is told to."""

from __future__ import annotations

import asyncio
import socketserver
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from pathlib import Path
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

CERTIFICATE = Path(__file__).with_name("certificate.pem")
"""Of 127.0.0.1, signed by itself, with its key: for tests alone."""


def trusting() -> ssl.SSLContext:
    """A client's context that trusts the test's server, and no other."""
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def identified() -> ssl.SSLContext:
    """A server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


class Inbox:
    """What came, and who is refused."""

    def __init__(self) -> None:
        self.port = 0
        self.envelopes: list[Envelope] = []
        self.refused: dict[str, str] = {}
        self.at_the_end: list[str] = []
        self.sessions: list[Session] = []
        self.pause = 0.0
        self.passwords = {b"acme": b"secret"}

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Sequence[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.pause)
        if self.at_the_end and (answer := self.at_the_end.pop(0)):
            return answer
        if session not in self.sessions:
            self.sessions.append(session)
        self.envelopes.append(envelope)
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any
    ) -> Any:
        assert isinstance(data, LoginPassword)
        right = self.passwords.get(data.login) == data.password
        return AuthResult(success=right, handled=right)

    @property
    def raw(self) -> list[str]:
        """What came, as it came."""
        return [
            envelope.content.decode() for envelope in self.envelopes if isinstance(envelope.content, bytes)
        ]

    @property
    def mails(self) -> list[EmailMessage]:
        """What came, read by the email package."""
        return [message_from_bytes(raw.encode(), policy=policy.default) for raw in self.raw]


@contextmanager
def receiving(tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[Inbox]:
    """An aiosmtpd server on a free port of 127.0.0.1; `tls` from the first byte."""
    inbox, loop = Inbox(), asyncio.new_event_loop()

    def serve() -> SMTP:
        return SMTP(inbox, hostname="test", loop=loop, authenticator=inbox.authenticate, **options)

    server = loop.run_until_complete(loop.create_server(serve, "127.0.0.1", 0, ssl=tls))
    inbox.port = server.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever)
    thread.start()

    async def end() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    try:
        yield inbox
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


DROP = ""
"""An answer that is none: the connection is closed."""

_DEFAULT = {"": "220 test", "EHLO": "250 test", "DATA": "354 go ahead", "QUIT": "221 bye"}

Conversation = Mapping[str, Sequence[str]]
"""What is answered to each verb, one after the other, then as usual; `""` is the greeting, `.` the end of a mail."""


class Script:
    """A server's conversations, one for each connection, and what was said to it."""

    def __init__(self, conversations: Sequence[Conversation]) -> None:
        self.port = 0
        self.heard: list[list[str]] = []
        self._conversations = [{verb: list(said) for verb, said in one.items()} for one in conversations]

    def talk(self, lines: Any, out: Any) -> None:
        """Goes through one conversation."""
        number = len(self.heard)
        self.heard.append([])
        said = self._conversations[number] if number < len(self._conversations) else {}

        def answer(verb: str) -> str:
            text = said[verb].pop(0) if said.get(verb) else _DEFAULT.get(verb, "250 OK")
            if text != DROP:
                out.write(f"{text}\r\n".encode())
            return text

        code = answer("")
        while code != DROP and not code.startswith("421") and (line := lines.readline()):
            verb = line.decode().split()[0].upper()
            self.heard[number].append(verb)
            if (code := answer(verb)).startswith("354"):
                while lines.readline() not in {b".\r\n", b""}:
                    pass
                code = answer(".")


@contextmanager
def scripted(*conversations: Conversation) -> Iterator[Script]:
    """A server on a free port of 127.0.0.1 that follows a script."""
    script = Script(conversations)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            script.talk(self.rfile, self.wfile)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        script.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


def body(mail: MIMEPart | None) -> str:
    """A part's text, lines ended as in Python."""
    assert mail is not None
    content = mail.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")

"""SMTP: what a mail looks like, whose refusal means what, and connections that end."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Callable, Iterator
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis.strategies import lists, sampled_from, text

from tests.senders.servers import DROP, Inbox, body, identified, receiving, scripted, trusting
from trigger_core.errors import InvalidValue
from trigger_core.senders import Accepted, Message, Rejected, Result, open_sender
from trigger_smtp import SMTPSender, _mail

_MIME = ("Content-Type", "Content-Transfer-Encoding", "MIME-Version")

HELLO = Message(
    token="t",
    channel="email",
    account="acme",
    contact="user_1",
    address="anna@example.com",
    subject="Welcome",
    text="Hello",
)


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A server that takes everything, unencrypted."""
    with receiving(enable_SMTPUTF8=True) as inbox:
        yield inbox


def smtp(port: int, **options: Any) -> SMTPSender:
    plain = {"sender": "Acme <hi@acme.example>", "security": "none", "local_hostname": "test", "timeout": 5}
    return SMTPSender("127.0.0.1", port, **{**plain, **options})


def send(port: int, *messages: Message, **options: Any) -> list[Result]:
    sender = smtp(port, **options)
    try:
        return sender.send(messages)
    finally:
        sender.close()


def some(number: int) -> list[Message]:
    return [evolve(HELLO, token=f"t{n}") for n in range(number)]


def summary(results: list[Result]) -> list[tuple[str, bool] | None]:
    """None for each accepted one, code and retry for each rejected one."""
    return [(result.code, result.retry) if isinstance(result, Rejected) else None for result in results]


def test_a_mail_is_complete(inbox: Inbox) -> None:
    """It has all headers, and its Message-ID is the provider_message_id."""
    [result] = send(inbox.port, HELLO)
    [mail], [envelope] = inbox.mails, inbox.envelopes
    assert isinstance(result, Accepted)
    assert (result.segments, result.cost) == (None, None)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("hi@acme.example", ["anna@example.com"])
    assert {"Acme <hi@acme.example>", "anna@example.com", "Welcome"} == {
        mail["From"],
        mail["To"],
        mail["Subject"],
    }
    assert mail["Message-ID"] == result.provider_message_id
    assert re.fullmatch(r"<[0-9a-f]{32}@acme\.example>", mail["Message-ID"])
    assert parsedate_to_datetime(mail["Date"]).tzinfo is not None
    assert (mail.get_content_type(), body(mail)) == ("text/plain", "Hello\n")
    assert mail["List-Unsubscribe"] is None


def test_message_ids_follow_the_token(inbox: Inbox) -> None:
    first = send(inbox.port, *some(2))
    again = send(inbox.port, *some(2))
    assert first == again
    assert first[0] != first[1]


def test_non_ascii_arrives(inbox: Inbox) -> None:
    """In name, subject, text and domain, over seven bits; in the local part, by SMTPUTF8."""
    subject, text = "Grüße 👋 " * 20, "Füße\n.\n..und 😀" * 50
    messages = [
        evolve(HELLO, subject=subject.strip(), text=text, address=address)
        for address in ("anna@bücher.example", "jürgen@Bücher.example", "anna@straße.example")
    ]
    results = send(inbox.port, *messages, sender="Bücher <hi@bücher.example>")
    assert summary(results) == [None, None, None]
    assert inbox.envelopes[0].rcpt_tos == ["anna@xn--bcher-kva.example"]
    assert inbox.envelopes[2].rcpt_tos == ["anna@xn--strae-oqa.example"]
    assert inbox.envelopes[1].rcpt_tos == ["jürgen@xn--bcher-kva.example"]
    assert inbox.raw[0].isascii()
    for mail in inbox.mails:
        assert mail["From"] == "Bücher <hi@xn--bcher-kva.example>"
        assert (mail["Subject"], body(mail)) == (subject.strip(), f"{text}\n")


def test_an_address_beyond_ascii_is_refused_where_the_server_cannot_take_it() -> None:
    with receiving() as inbox:
        results = send(inbox.port, evolve(HELLO, address="jürgen@example.com"), HELLO)
    assert summary(results) == [("smtputf8", False), None]


def test_html_comes_with_a_plain_alternative(inbox: Inbox) -> None:
    page = "<!DOCTYPE html><html><head><style>p {}</style></head><body><p>Hi <b>Anna</b><p>Bye</html>"
    send(inbox.port, evolve(HELLO, text=page), evolve(HELLO, text="<3 from Acme"))
    page_mail, heart = inbox.mails
    plain, html = page_mail.get_body(("plain",)), page_mail.get_body(("html",))
    assert page_mail.get_content_type() == "multipart/alternative"
    assert (body(plain), body(html)) == ("Hi Anna\nBye\n", f"{page}\n")
    assert heart.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<html><head><title>Acme</title><body>Hi<br>Anna", "Hi\nAnna\n"),
        ("<html><p>Hi <![if !mso]>Anna<![endif]>", "Hi Anna\n"),
        ("<html><p>Hi <![foo[", "Hi\n"),
        (" <HTML><script>1 < 2</script></HTML>", "\n"),
        ("<html><!-- <p>Bye</p> --><p title='a > b'>1 &lt; 2 < 3 <!-- never ended", "1 < 2 < 3\n"),
        (
            "<html><a href=https://a.example>here</a></p></a>, <a>there</a>",
            "here (https://a.example), there\n",
        ),
    ],
)
def test_any_page_has_a_plain_alternative(inbox: Inbox, page: str, expected: str) -> None:
    assert summary(send(inbox.port, evolve(HELLO, text=page))) == [None]
    [mail] = inbox.mails
    assert body(mail.get_body(("plain",))) == expected


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0b", "\x00"])
def test_no_header_can_be_smuggled_in(inbox: Inbox, end: str) -> None:
    """A subject stays on its line, and an address that isn't one is never said to the server."""
    evil = f"Hi{end}Bcc: eve@example.com{end}{end}Body"
    results = send(
        inbox.port,
        evolve(HELLO, subject=evil),
        evolve(HELLO, address=f"anna@example.com{end}RCPT TO:<eve@example.com>"),
        evolve(HELLO, address=f"anna@example.com>{end}"),
    )
    assert summary(results) == [None, ("invalid_address", False), ("invalid_address", False)]
    [mail] = inbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hi Bcc: eve@example.com Body"
    assert body(mail) == "Hello\n"
    assert inbox.envelopes[0].rcpt_tos == ["anna@example.com"]


@settings(max_examples=150, deadline=None)
@given(
    lists(
        sampled_from(
            ["=?utf-8?q?Hi=0D=0ABcc:_e@x.example=0D=0A=0D=0AHo?=", "=?utf-8?b?SGk=?=", "Ünï 😀", "word", " "]
        )
    )
    .map(" ".join)
    .map(lambda subject: (subject * 20)[:1000].strip())
    | text(max_size=300)
)
def test_a_subject_arrives_as_it_is(subject: str) -> None:
    """Whatever it looks like, it is read as what it was but for control characters, and adds nothing to the mail."""
    origin = _mail.origin("Acme <hi@acme.example>")
    head, _, rest = _mail.write(origin, "<id@acme.example>", "a@b.example", subject, "Hello", []).partition(
        b"\r\n\r\n"
    )
    lines = re.sub("\r\n (?=[^ ])", " ", head.decode("ascii")).split("\r\n")
    found = dict(line.split(": ", 1) for line in lines)
    said = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", subject).strip()
    assert rest == b"Hello\r\n"
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    assert [*found] == ["Date", "Message-ID", "From", "To", *["Subject"] * bool(said), *_MIME]
    if said:
        assert str(make_header(decode_header(found["Subject"]))) == said


@pytest.mark.parametrize("tags", ["<a ", "<a x='", '<a x="<', "<!--", "<script>", "</a", "<!a", "<"])
def test_a_broken_page_holds_nobody_up(tags: str) -> None:
    """However many tags are left open, nothing is looked at over and over."""
    assert "Hi" in _mail.plain(f"<html>Hi{tags * (150_000 // len(tags))}")


def test_a_text_cannot_end_its_mail(inbox: Inbox) -> None:
    """Dots and bare line ends in a text stay in it."""
    text = "one\r\n.\r\nMAIL FROM:<eve@example.com>\n.\n..\r.\rend"
    send(inbox.port, evolve(HELLO, text=text))
    [mail] = inbox.mails
    assert body(mail) == "one\n.\nMAIL FROM:<eve@example.com>\n.\n..\n.\nend\n"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "anna",
        "@example.com",
        "a b@example.com",
        "anna@",
        "anna@\uff42ücher.example",
        "anna@bücher\u2024example",
        "a@b@c",
        "<a@b>",
    ],
)
def test_an_address_that_is_none_is_rejected(inbox: Inbox, address: str) -> None:
    """Nor is one sent to whose domain another spelling would be taken for."""
    assert summary(send(inbox.port, evolve(HELLO, address=address))) == [("invalid_address", False)]


@pytest.mark.parametrize("change", [{"text": "\ud800"}, {"subject": "\ud800"}])
def test_a_text_that_cannot_be_written_spoils_no_other(inbox: Inbox, change: dict[str, str]) -> None:
    results = send(inbox.port, evolve(HELLO, **change), HELLO)
    assert summary(results) == [("invalid_text", False), None]


def test_unsubscribing_takes_one_click(inbox: Inbox) -> None:
    """A long link stays whole, and both headers are there."""
    url = f"https://acme.example/leave?{'x' * 200}"
    send(inbox.port, HELLO, unsubscribe_url=url, unsubscribe_mailto="leave@acme.example")
    [mail] = inbox.mails
    assert mail["List-Unsubscribe"] == f"<{url}>, <mailto:leave@acme.example?subject=unsubscribe>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_an_address_alone_offers_no_click(inbox: Inbox) -> None:
    send(inbox.port, HELLO, unsubscribe_mailto="leave@acme.example")
    [mail] = inbox.mails
    assert mail["List-Unsubscribe"] == "<mailto:leave@acme.example?subject=unsubscribe>"
    assert mail["List-Unsubscribe-Post"] is None


def test_a_link_can_tell_contacts_apart(inbox: Inbox) -> None:
    """One that can't be made keeps its own message back, and no other."""

    def url(message: Message) -> str:
        links = {"t0": "https://acme.example/leave/t0", "t1": "http://acme.example\r\nBcc: eve@example.com"}
        return links[message.token]

    results = send(inbox.port, *some(3), unsubscribe_url=url)
    assert summary(results) == [None, ("unsubscribe_url", True), ("unsubscribe_url", True)]
    assert [mail["List-Unsubscribe"] for mail in inbox.mails] == ["<https://acme.example/leave/t0>"]


def test_each_recipient_has_its_own_refusal(inbox: Inbox) -> None:
    """5xx for good, 4xx for now; the server's words are kept, and all goes over one connection."""
    inbox.refused = {"full@example.com": "452 4.2.2 mailbox full", "no@example.com": "550 5.1.1 no such user"}
    addresses = ("a@example.com", "no@example.com", "full@example.com", "b@example.com")
    sender = smtp(inbox.port)
    results = sender.send([evolve(HELLO, address=address, token=address) for address in addresses])
    results += sender.send([HELLO])
    sender.close()
    assert summary(results) == [None, ("550", False), ("452", True), None, None]
    assert isinstance(results[1], Rejected)
    assert results[1].message == "5.1.1 no such user"
    assert len(inbox.sessions) == 1


def test_a_refusal_at_the_end_of_a_mail_is_one(inbox: Inbox) -> None:
    inbox.at_the_end = ["554 5.7.1 spam", "451 4.3.0 later", ""]
    assert summary(send(inbox.port, *some(3))) == [("554", False), ("451", True), None]


def test_a_refused_sender_can_be_put_right() -> None:
    """It isn't the recipients' fault: their messages wait."""
    with scripted({"MAIL": ["530 log in first", "553 not yours"]}) as script:
        assert summary(send(script.port, *some(3))) == [("530", True), ("553", True), None]


def test_an_interrupted_conversation_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server still answers is not taken for an answer about the next message."""
    with scripted() as script:
        sender = smtp(script.port)
        with monkeypatch.context() as patch:
            patch.setattr("smtplib.SMTP.getreply", interrupt_after(5, smtplib.SMTP.getreply))
            with pytest.raises(KeyboardInterrupt):
                sender.send([HELLO])
        assert summary(sender.send(some(2))) == [None, None]
        sender.close()
    assert [heard.count("DATA") for heard in script.heard] == [1, 2]


def interrupt_after(number: int, call: Callable[..., Any]) -> Callable[..., Any]:
    """A call that is interrupted, once it was made as often."""
    calls = count(1)

    def interrupted(*arguments: Any) -> Any:
        if next(calls) > number:
            raise KeyboardInterrupt
        return call(*arguments)

    return interrupted


def test_starttls_and_login() -> None:
    """Over STARTTLS with a login; the certificate is checked."""
    with receiving(tls_context=identified(), require_starttls=True, auth_required=True) as inbox:
        options = {"security": "starttls", "username": "acme", "password": "secret"}
        assert summary(send(inbox.port, HELLO, context=trusting(), **options)) == [None]
        assert summary(send(inbox.port, HELLO, **options)) == [("connection_failed", True)]
        assert len(inbox.mails) == 1


def test_tls_from_the_first_byte() -> None:
    with receiving(tls=identified()) as inbox:
        assert summary(send(inbox.port, HELLO, security="tls", context=trusting())) == [None]


def test_a_refused_login_can_be_put_right() -> None:
    """All messages are to be tried later; the password isn't in what is said of it."""
    with receiving(tls_context=identified(), auth_required=True) as inbox:
        results = send(
            inbox.port,
            *some(2),
            security="starttls",
            context=trusting(),
            username="acme",
            password="hunter2",
        )
    assert summary(results) == [("535", True), ("535", True)]
    assert "hunter2" not in f"{results}"
    assert "acme" not in f"{results}"


def test_starttls_is_never_done_without(inbox: Inbox) -> None:
    """A server that doesn't offer it gets no message."""
    assert summary(send(inbox.port, HELLO, security="starttls")) == [("not_supported", True)]
    assert inbox.mails == []


def test_without_a_server_all_is_tried_later() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        results = send(taken.getsockname()[1], *some(2))
    assert summary(results) == [("connection_failed", True)] * 2


@pytest.mark.parametrize(
    ("conversation", "code"),
    [
        ({"": ["554 no service"]}, "554"),
        ({"": ["421 busy"]}, "421"),
        ({"": [DROP]}, "connection_failed"),
        ({"EHLO": [DROP]}, "connection_failed"),
        ({"MAIL": [DROP]}, "connection_lost"),
        ({"MAIL": ["nonsense"]}, "connection_lost"),
        ({"RCPT": [DROP]}, "connection_lost"),
        ({"DATA": [DROP]}, "connection_lost"),
        ({"DATA": ["250 what?"]}, "connection_lost"),
        ({"MAIL": ["421 going down"]}, "421"),
    ],
)
def test_a_message_that_was_not_handed_over_is_tried_later(
    conversation: dict[str, list[str]], code: str
) -> None:
    """So are those behind it, without knocking again; another call does."""
    with scripted(conversation) as script:
        sender = smtp(script.port)
        assert summary(sender.send(some(3))) == [(code, True)] * 3
        assert len(script.heard) == 1
        assert summary(sender.send(some(3))) == [None] * 3
        sender.close()


@pytest.mark.parametrize(
    "conversation",
    [
        {"MAIL": ["250 OK", DROP]},
        {"MAIL": ["250 OK", "421 too many"]},
        {"RCPT": ["250 OK", DROP]},
        {"DATA": ["354 go", DROP]},
        {".": ["250 OK"], "RSET": [DROP], "RCPT": ["250 OK", "250 OK", "550 no"]},
    ],
)
def test_a_connection_that_ends_between_messages_is_opened_again(conversation: dict[str, list[str]]) -> None:
    """Each message is sent once."""
    with scripted(conversation) as script:
        results = send(script.port, *some(4))
    ends = sum(heard.count("DATA") for heard in script.heard)
    refused = [result for result in summary(results) if result is not None]
    assert refused in ([], [("550", False)])
    assert len(script.heard) == 2
    assert ends - ("DATA" in conversation) == 4 - len(refused)


def test_a_server_may_take_few_messages_over_each_connection() -> None:
    few = {"MAIL": ["250 OK", "421 enough"]}
    with scripted(few, few, few, few) as script:
        assert summary(send(script.port, *some(4))) == [None] * 4
        assert len(script.heard) == 4


@pytest.mark.parametrize("answer", [DROP, "nonsense", "199 what?"])
def test_a_mail_nobody_knows_of_is_in_doubt_alone(answer: str) -> None:
    """What went before is accepted, what follows is tried later, and the next call begins anew."""
    with scripted({".": ["250 OK", answer]}) as script:
        sender = smtp(script.port)
        expected = [None, ("in_doubt", False), ("connection_lost", True), ("connection_lost", True)]
        assert summary(sender.send(some(4))) == expected
        assert summary(sender.send(some(1))) == [None]
        sender.close()
    assert [heard.count("DATA") for heard in script.heard] == [2, 1]


def test_a_server_that_says_nothing_is_not_waited_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        results = send(silent.getsockname()[1], *some(2), timeout=0.05)
    assert summary(results) == [("connection_failed", True)] * 2


def test_a_servers_words_are_storable() -> None:
    """However long they are, and whatever bytes they have."""
    with scripted({"RCPT": [f"550 no\x00\x07{'x' * 1500}"]}) as script:
        [result] = send(script.port, HELLO)
    assert isinstance(result, Rejected)
    assert re.fullmatch("no x{1,997}", result.message)


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("host", {"host": ""}),
        ("port", {"port": 0}),
        ("sender", {"sender": "acme"}),
        ("sender", {"sender": "Acme\r\nBcc: eve@example.com <hi@acme.example>"}),
        ("sender", {"sender": "jürgen@acme.example"}),
        ("security", {"security": "ssl"}),
        ("security", {"security": "none", "username": "acme", "password": "hunter2"}),
        ("username", {"password": "hunter2"}),
        ("password", {"username": "acme"}),
        ("password", {"username": "acme", "password": "hünter2"}),
        ("timeout", {"timeout": 0}),
        ("most", {"most": 0}),
        ("provider", {"provider": ""}),
        ("unsubscribe_url", {"unsubscribe_url": "http://acme.example/leave"}),
        ("unsubscribe_url", {"unsubscribe_url": "https://acme.example/leave>\r\nBcc: eve@example.com"}),
        ("unsubscribe_mailto", {"unsubscribe_mailto": "leave"}),
    ],
)
def test_a_setting_that_cannot_be_is_refused(field: str, arguments: dict[str, Any]) -> None:
    """By name, without showing an address or a password."""
    with pytest.raises(InvalidValue) as caught:
        SMTPSender(**{"host": "127.0.0.1", "sender": "hi@acme.example", **arguments})
    assert caught.value.field == field
    assert "nter2" not in str(caught.value)
    assert "eve" not in str(caught.value)


def test_a_sender_shows_no_secret() -> None:
    sender = SMTPSender("mail.acme.example", sender="hi@acme.example", username="acme", password="hunter2")
    assert repr(sender) == "SMTPSender(host='mail.acme.example', port=587, security='starttls')"
    assert sender.events() == []


def test_a_url_names_a_sender(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its server, port and security, who it is from, and who logs in with the environment's password."""
    monkeypatch.setenv("TRIGGER_CORE_SMTP_PASSWORD", "secret")
    url = f"smtp://127.0.0.1:{inbox.port}?from=Acme%20<hi+x@acme.example>&security=none"
    sender = open_sender("email", url)
    assert isinstance(sender.send([HELLO])[0], Accepted)
    sender.close()
    assert inbox.mails[0]["From"] == "Acme <hi+x@acme.example>"
    with receiving(identified(), auth_require_tls=False) as other:
        sender = SMTPSender.from_url("email", f"smtps://acme@127.0.0.1:{other.port}?from=hi@acme.example")
        assert repr(sender) == f"SMTPSender(host='127.0.0.1', port={other.port}, security='tls')"
        monkeypatch.setattr(sender, "_context", trusting())
        assert isinstance(sender.send([HELLO])[0], Accepted)
        sender.close()
    assert repr(open_sender("email", "smtp://h?from=a@b.example")) == (
        "SMTPSender(host='h', port=587, security='starttls')"
    )


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("smtp:", "must be like smtp://"),
        ("smtp://h:x?from=a@b.example", "must be like smtp://"),
        ("smtp://h/path?from=a@b.example", "must be like smtp://"),
        ("smtp://h", "must say once who it is from"),
        ("smtp://h?from=a@b.example&from=a@b.example", "must say once who it is from"),
        ("smtp://h?from=nobody", "must be an ASCII address"),
        ("smtp://h?from=a@b.example&to=c", "must not have the option to"),
        ("smtps://h?from=a@b.example&security=none", "must not have the option security"),
        ("smtp://h?from=a@b.example&security=some", "security: must be"),
        ("smtp://u:hush@h?from=a@b.example", "must have no password in its URL"),
        ("smtp://u@h?from=a@b.example", "needs the user's password in TRIGGER_CORE_SMTP_PASSWORD"),
    ],
)
def test_wrong_urls(url: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing or wrong is said, and what may be a secret isn't repeated."""
    monkeypatch.delenv("TRIGGER_CORE_SMTP_PASSWORD", raising=False)
    with pytest.raises(InvalidValue, match=re.escape(problem)) as caught:
        open_sender("email", url)
    assert "hush" not in str(caught.value)
    assert caught.value.__context__ is None or "hush" not in str(caught.value.__context__)

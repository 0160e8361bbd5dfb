"""Servers over TLS and WebSocket are judged, too; those here are as small as they can be."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio
import trio_websocket
import trustme

from sipfsm.fsm import Timing
from sipfsm.fuzz.artifacts import write_artifacts
from sipfsm.fuzz.player import Pace
from sipfsm.fuzz.player.play import Table
from sipfsm.fuzz.runner import Result, run_cases
from sipfsm.fuzz.target import Target
from sipfsm.fuzz.verdict import Outcome
from sipfsm.message import MessageError, Request, make_response, parse_message_untrusted
from sipfsm.transport.framing import StreamFramer
from tests.interop.judging import chosen, outcome

CASES = ("sip-version", "max-forwards-0", "folded-lines")


def answer(data: bytes) -> bytes | None:
    """Say 200 to everything; no version is too new for it."""
    try:
        request = parse_message_untrusted(data)
    except MessageError as error:
        request = error.message  # type: ignore[assignment]
    if not isinstance(request, Request) or request.method == "ACK":
        return None
    return make_response(request, 200).to_bytes()


async def answer_stream(stream: trio.abc.Stream) -> None:
    framer = StreamFramer(max_header=100_000, max_body=100_000)
    try:
        while data := await stream.receive_some():
            framer.feed(bytes(data))
            while (message := framer.next_message_untrusted()) is not None:
                if (response := answer(message)) is not None:
                    await stream.send_all(response)
    except (trio.BrokenResourceError, trio.ClosedResourceError, MessageError):
        return


async def answer_websocket(request: trio_websocket.WebSocketRequest) -> None:
    socket = await request.accept(subprotocol="sip")
    try:
        while True:
            message = await socket.get_message()
            response = answer(message.encode() if isinstance(message, str) else message)
            if response is not None:
                await socket.send_message(response.decode())
    except trio_websocket.ConnectionClosed:
        return


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def client_context(authority: trustme.CA | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if authority is not None:
        authority.configure_trust(context)
    return context


Serve = Callable[[trio.TaskStatus[int]], Awaitable[None]]


async def serve(protocol: str, tls: ssl.SSLContext | None, *, task_status: trio.TaskStatus[int]) -> None:
    """Serve on a free port, and say which."""
    if protocol in {"ws", "wss"}:
        async with trio.open_nursery() as nursery:
            listening = partial(
                trio_websocket.serve_websocket, answer_websocket, "127.0.0.1", 0, tls, handler_nursery=nursery
            )
            task_status.started((await nursery.start(listening)).port)
        return
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    task_status.started(listeners[0].socket.getsockname()[1])
    if tls is None:
        await trio.serve_listeners(answer_stream, listeners)
    else:
        secured = [trio.SSLListener(listener, tls) for listener in listeners]
        await trio.serve_listeners(answer_stream, secured)


def judged(protocol: str, server: ssl.SSLContext | None, client: ssl.SSLContext | None) -> Result:
    async def main() -> Result:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve, protocol, server)
            target = Target("127.0.0.1", port, protocol, "127.0.0.1")
            table = Table(target, Pace(1000), Timing(), client)
            result = await run_cases(table, "sipfsm", None, chosen(*CASES))
            nursery.cancel_scope.cancel()
        return result

    return trio.run(main)


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["tls", "ws", "wss"])
def test_a_server_is_judged_over(protocol: str, authority: trustme.CA, tmp_path: Path) -> None:
    secured = protocol in {"tls", "wss"}
    result = judged(
        protocol,
        server_context(authority) if secured else None,
        client_context(authority) if secured else None,
    )
    assert not result.lost
    assert outcome(result, "sip-version") is Outcome.DEVIATES
    assert outcome(result, "folded-lines") is Outcome.CONFORMANT
    assert outcome(result, "max-forwards-0") is Outcome.NOT_OBSERVABLE
    write_artifacts(result, tmp_path)
    assert len(list(tmp_path.glob("*.pcap"))) >= 1


@pytest.mark.parametrize("protocol", ["tls", "wss"])
def test_a_certificate_that_nobody_knows_loses_the_target(protocol: str, authority: trustme.CA) -> None:
    result = judged(protocol, server_context(authority), client_context(None))
    assert "certificate" in result.lost.lower()

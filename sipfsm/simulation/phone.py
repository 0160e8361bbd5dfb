"""A scripted user agent on the simulated network.

By itself it does nothing but acknowledge the failure of an INVITE: what it sends and answers is what the
test says.
"""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import trio

from sipfsm.message import Headers, MessageError, Request, Response, make_ack, make_response
from sipfsm.simulation.network import Network
from sipfsm.transport import Flow, Target, TransportError

SERVER = "192.0.2.10"
"""Where a phone sends its requests, unless it is told otherwise."""

DOMAIN = "example.com"
"""The domain that the phones belong to."""

PATIENCE = 2.0
"""Seconds that a phone waits for a message; the network is far faster."""


class Received(NamedTuple):
    """A message that came to a phone."""

    at: float
    """On Trio's clock."""
    message: Request | Response
    flow: Flow

    @property
    def request(self) -> Request:
        """The message, which must be a request."""
        assert isinstance(self.message, Request), self.message
        return self.message

    @property
    def response(self) -> Response:
        """The message, which must be a response."""
        assert isinstance(self.message, Response), self.message
        return self.message

    @property
    def kind(self) -> str | int:
        """The method of a request, the status of a response."""
        return self.message.method if isinstance(self.message, Request) else self.message.status


class Phone:
    """A user agent that does what the script says, and remembers what it got.

    Attributes:
        name: its user name.
        host: its address.
        transport: its transport layer, to be run.
        inbox: what came and was not yet received by the script.
        log: all that came.
        acknowledges: whether it answers a final response other than 2xx to its INVITE with ACK.
    """

    def __init__(self, network: Network, name: str, host: str, protocols: Sequence[str]):
        self.name = name
        self.host = host
        self.acknowledges = True
        self.inbox: list[Received] = []
        self.log: list[Received] = []
        self._arrived = trio.Event()
        self._numbers = count(1)
        self._invites: dict[str | None, Request] = {}
        listen = [f"{protocol}:{bracketed(host)}:5060" for protocol in protocols]
        self.transport = network.transport(listen, _Ear(self))

    @property
    def contact(self) -> str:
        """The URI under which the phone is reached."""
        return f"sip:{self.name}@{bracketed(self.host)}:5060"

    @property
    def aor(self) -> str:
        """Its address-of-record."""
        return f"sip:{self.name}@{DOMAIN}"

    def take(self, message: Request | Response, flow: Flow) -> None:
        """Take a message from the network."""
        received = Received(trio.current_time(), message, flow)
        self.inbox.append(received)
        self.log.append(received)
        self._arrived.set()
        if isinstance(message, Response) and message.status >= 300 and message.cseq.method == "INVITE":
            invite = self._invites.get(message.via.branch)
            if self.acknowledges and invite is not None:
                flow.send_nowait(make_ack(invite, message).to_bytes())

    # ---- requests

    def request(
        self,
        method: str,
        uri: str,
        *,
        to: str | None = None,
        from_: str | None = None,
        call_id: str | None = None,
        cseq: int = 1,
        branch: str | None = None,
        protocol: str = "UDP",
        max_forwards: int | None = 70,
        routes: Sequence[str] = (),
        fields: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Request:
        """Write a request.

        Args:
            method: the method.
            uri: the Request-URI.
            to: the value of To; None for the Request-URI without a tag.
            from_: the value of From; None for the phone's address-of-record with a new tag.
            call_id: None for a new one.
            cseq: the number of CSeq.
            branch: of the Via; None for a new one.
            protocol: what the Via says.
            max_forwards: None for none.
            routes: the values of Route, each on a line of its own.
            fields: further fields, or fields instead of those above.
            body: the body.
        """
        number = next(self._numbers)
        branch = branch or f"z9hG4bK-{self.name}-{number}"
        headers = Headers()
        headers.add(b"via", f"SIP/2.0/{protocol} {bracketed(self.host)}:5060;branch={branch}".encode())
        if max_forwards is not None:
            headers.add(b"max-forwards", b"%d" % max_forwards)
        for route in routes:
            headers.add(b"route", route.encode())
        headers.add(b"from", (from_ or f"<{self.aor}>;tag={self.name}{number}").encode())
        headers.add(b"to", (to or f"<{uri}>").encode())
        headers.add(b"call-id", (call_id or f"{self.name}-{number}@{self.host}").encode())
        headers.add(b"cseq", f"{cseq} {method}".encode())
        if method in {"INVITE", "SUBSCRIBE", "REGISTER"} and "Contact" not in dict(fields):
            headers.add(b"contact", f"<{self.contact}>".encode())
        for name, value in fields:
            headers.add(name.lower().encode(), value.encode())
        headers.add(b"content-length", b"%d" % len(body))
        return Request(method, uri.encode(), headers, body)

    def cancel(self, invite: Request) -> Request:
        """Write the CANCEL of a request of this phone (:rfc:`3261#section-9.1`)."""
        headers = Headers()
        for name in (b"via", b"max-forwards", b"route", b"from", b"to", b"call-id"):
            headers.copy_lines(name, invite.headers)
        headers.add(b"cseq", b"%d CANCEL" % invite.cseq.number)
        headers.add(b"content-length", b"0")
        return Request("CANCEL", invite.raw_uri, headers)

    def in_dialog(
        self, method: str, answer: Response, *, cseq: int = 1, branch: str | None = None
    ) -> Request:
        """Write a request of the caller in the dialog of a 2xx (:rfc:`3261#section-12.2.1.1`)."""
        return self.request(
            method,
            str(answer.contacts[0].uri),
            to=answer.to.to_bytes().decode(),
            from_=answer.from_.to_bytes().decode(),
            call_id=answer.call_id,
            cseq=cseq,
            branch=branch,
            routes=[route.to_bytes().decode() for route in reversed(answer.record_routes)],
        )

    def in_dialog_of_callee(self, method: str, invite: Request, answer: Response) -> Request:
        """Write a request of the callee in the dialog of a 2xx that it gave."""
        return self.request(
            method,
            str(invite.contacts[0].uri),
            to=invite.from_.to_bytes().decode(),
            from_=answer.to.to_bytes().decode(),
            call_id=invite.call_id,
            routes=[route.to_bytes().decode() for route in invite.record_routes],
        )

    async def send(self, request: Request, *, protocol: str = "UDP", host: str = SERVER) -> Request:
        """Send a request to the server, and return it."""
        self.remember(request)
        await self.send_raw(request.to_bytes(), protocol=protocol, host=host)
        return request

    def remember(self, request: Request) -> None:
        """Know an INVITE, to be able to acknowledge its failure."""
        if request.method == "INVITE":
            self._invites[request.via.branch] = request

    async def send_raw(self, data: bytes, *, protocol: str = "UDP", host: str = SERVER) -> None:
        """Send bytes to the server."""
        (await self.transport.connect(Target(protocol, host, 5060))).send_nowait(data)

    async def register(
        self, *, contact: str | None = None, path: Sequence[str] = (), protocol: str = "UDP"
    ) -> None:
        """Bind a contact, its own if none is given, to the phone's address-of-record."""
        fields = [("Contact", f"<{contact or self.contact}>"), ("Supported", "path")]
        fields += [("Path", value) for value in path]
        uri = f"sip:{DOMAIN}"
        await self.send(
            self.request("REGISTER", uri, to=f"<{self.aor}>", protocol=protocol, fields=fields),
            protocol=protocol,
        )
        await self.receive(200)

    # ---- what comes in

    async def receive(self, what: str | int, *, within: float = PATIENCE) -> Received:
        """Return the next message, which must be a request with this method or a response with this status.

        Raises:
            AssertionError: it is another one, or none comes in time.
        """
        received = await self._next(within)
        assert received is not None, f"{self.name} waits for {what} in vain"
        assert received.kind == what, f"{self.name} waits for {what} and got {received.message!r}"
        return received

    async def receive_later(self, what: str | int, *, within: float = PATIENCE) -> Received:
        """Return the next message of this kind, passing over all others.

        Raises:
            AssertionError: none comes in time.
        """
        deadline = trio.current_time() + within
        while (received := await self._next(deadline - trio.current_time())) is not None:
            if received.kind == what:
                return received
        raise AssertionError(f"{self.name} waits for {what} in vain")

    async def receives_nothing(self, within: float = PATIENCE) -> None:
        """Check that no message comes in this time.

        Raises:
            AssertionError: one does.
        """
        received = await self._next(within)
        assert received is None, f"{self.name} got {received}"

    def got(self, what: str | int) -> list[Received]:
        """Return all messages of one kind that ever came."""
        return [received for received in self.log if received.kind == what]

    async def wait_for_more(self) -> None:
        """Wait until a further message comes, of whatever kind."""
        if self._arrived.is_set():
            self._arrived = trio.Event()
        await self._arrived.wait()

    async def _next(self, within: float) -> Received | None:
        with trio.move_on_after(within):
            while not self.inbox:
                await self.wait_for_more()
        return self.inbox.pop(0) if self.inbox else None

    # ---- answers

    def answer(
        self,
        received: Received,
        status: int,
        *,
        tag: str | None = None,
        reason: str | None = None,
        fields: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Response:
        """Answer a request, over the way that it came, and return the response. See `response`."""
        response = self.response(received, status, tag=tag, reason=reason, fields=fields, body=body)
        self.reply(received, response.to_bytes())
        return response

    def response(
        self,
        received: Received,
        status: int,
        *,
        tag: str | None = None,
        reason: str | None = None,
        fields: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Response:
        """Write a response.

        Args:
            received: the request.
            status: the status code.
            tag: for To; None for one that is the same in all answers of this phone.
            reason: the reason phrase.
            fields: further fields.
            body: the body.
        """
        request = received.request
        response = make_response(request, status, reason, to_tag=tag or f"{self.name}-{self.host}")
        if status > 100:
            response.headers.copy_lines(b"record-route", request.headers)
            response.headers.add(b"contact", f"<{self.contact}>".encode())
        for name, value in fields:
            response.headers.add(name.lower().encode(), value.encode())
        response.headers.set(b"content-length", b"%d" % len(body))
        response.body = body
        return response

    def reply(self, received: Received, data: bytes) -> None:
        """Send bytes over the way that a request came."""
        flow = self.transport.reply_flow_nowait(received.request.via, received.flow)
        if flow is None:
            raise TransportError("eof", "the connection of the request is gone")
        flow.send_nowait(data)


class _Ear:
    """What the transport layer of a phone speaks to."""

    def __init__(self, phone: Phone):
        self._phone = phone

    def receive(self, message: Request | Response, flow: Flow) -> None:
        self._phone.take(message, flow)

    def refuse(self, error: MessageError, flow: Flow) -> None:
        raise AssertionError(f"{self._phone.name} cannot read what it got: {error}")


def bracketed(host: str) -> str:
    """Write an IP literal as a URI does."""
    return f"[{host}]" if ":" in host else host

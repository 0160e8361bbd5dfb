"""The proxy core: takes requests from the transaction layer and forwards them (:rfc:`3261#section-16`)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog
import trio

from sipfsm.counters import Counters
from sipfsm.fsm import Engine, make_engines
from sipfsm.message import MessageError, Request, SipUri, make_response
from sipfsm.message.refusal import RefusedError
from sipfsm.proxy.context import ResponseContext
from sipfsm.proxy.domains import ServedDomains
from sipfsm.proxy.forwarding import (
    Interface,
    exceeds_datagram,
    may_exceed_datagram,
    prepare_forwarded,
    stateless_branch,
)
from sipfsm.proxy.loops import LoopDetector
from sipfsm.proxy.relay import RelayPolicy
from sipfsm.proxy.routing import Prepared, preprocess, take_next_hop
from sipfsm.proxy.targets import Destination, TargetFinder
from sipfsm.proxy.validation import validate
from sipfsm.resolver import Resolver
from sipfsm.transaction import ServerTransaction, TransactionLayer
from sipfsm.transport import Flow, Target, Transport, TransportError

log = structlog.get_logger("sipfsm.proxy")

MAX_STRAYS = 1_000
"""ACKs and CANCELs without a transaction that wait for their next hop at once."""


MODELS = ("response-context", "branch")
"""The machines of a forking proxy."""


class Proxy:
    """A stateful proxy: each request it forwards has a response context."""

    def __init__(
        self,
        transactions: TransactionLayer,
        resolver: Resolver,
        targets: TargetFinder,
        relay: RelayPolicy,
        domains: ServedDomains,
        *,
        compiled: bool = True,
        token_bytes: Callable[[int], bytes] = secrets.token_bytes,
        engines: Mapping[str, Engine] | None = None,
    ) -> None:
        """Make the machines ready.

        Args:
            transactions: the transaction layer.
            resolver: finds the addresses of next hops.
            targets: finds where requests are to go.
            relay: knows the dialogs that were set up through here.
            domains: knows which URIs are ours.
            compiled: False runs every event through stock `transitions`.
            token_bytes: what the secret of the loop detection is made of.
            engines: of `MODELS`, by name; None to make them. They keep nothing of a request.
        """
        self.transactions = transactions
        self.resolver = resolver
        self.targets = targets
        self.relay = relay
        self.domains = domains
        self.loops = LoopDetector(token_bytes)
        self.counters: Counters = transactions.counters
        self.contexts: set[ResponseContext] = set()
        engines = engines or make_engines(transactions.timing, MODELS, compiled=compiled)
        self.context_engine = engines["response-context"]
        self.branch_engine = engines["branch"]
        self._nursery: trio.Nursery | None = None
        self._strays = 0

    @property
    def transport(self) -> Transport:
        """The transport layer."""
        return self.transactions.transport

    def held(self) -> dict[str, int]:
        """Tell how much is held at this moment of what has to go again; without requests all is 0."""
        return {
            "contexts": len(self.contexts),
            "strays": self._strays,
            "proxy tasks": len(self._nursery.child_tasks) if self._nursery is not None else 0,
        }

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Hold the nursery that all response contexts live in, until cancelled."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            await trio.sleep_forever()

    def prepare(self, request: Request) -> Prepared:
        """Preprocess the route information of a request (:rfc:`3261#section-16.4`).

        Raises:
            RefusedError: the request is to be answered with an error.
            MessageError: a field that only a proxy reads is malformed.
        """
        return preprocess(request, self.domains)

    def forward(self, server: ServerTransaction, prepared: Prepared) -> None:
        """Validate a request (:rfc:`3261#section-16.3`) and forward it.

        Raises:
            RefusedError, MessageError: as `prepare`.
        """
        assert self._nursery is not None
        validate(prepared.request)
        destinations = self.targets.find(prepared, server.flow)
        if len(destinations) > 1:
            mark = self.loops.mark(prepared.request)
            destinations = [destination._replace(mark=mark) for destination in destinations]
        context = ResponseContext(self, server, prepared.request, destinations)
        server.user = context
        self.contexts.add(context)
        self._nursery.start_soon(self._run_context, context)

    async def _run_context(self, context: ResponseContext) -> None:
        try:
            await context.run()
        except Exception:
            # A bug that one request brings to light must not end all the others.
            self.counters.count("faults.proxy")
            log.exception("forwarding failed", key=context.server.key)
            if not context.server.answered:
                context.server.respond(make_response(context.server.request, 500))
        finally:
            self.contexts.discard(context)

    def start_soon(self, work: Callable[[], Awaitable[None]]) -> None:
        """Have something sent that has no response context, or may outlive it: a CANCEL, an ACK of a 2xx."""
        assert self._nursery is not None
        self._nursery.start_soon(self._guarded, work)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            self.counters.count("faults.proxy")
            log.exception("sending failed")

    def take_stray(self, request: Request, flow: Flow) -> None:
        """Forward an ACK of a 2xx, or a CANCEL, without a transaction (:rfc:`3261#section-16.11`)."""
        try:
            prepared = self.prepare(request)
            validate(prepared.request)
            # One and only one: which of several contacts has answered is not known here.
            destination = self.targets.find(prepared, flow)[0]
            forwarded = prepared.request
            prepare_forwarded(forwarded, destination)
            hop = self.next_hop(forwarded, destination)
            targets = self.resolver.resolve_nowait(hop)
            branch = stateless_branch(request)
            if targets is not None:
                ways = self.ways(targets, forwarded, flow)
                self.transactions.send_statelessly(forwarded, ways, branch, prefer=flow)
            elif self._nursery is None or self._strays >= MAX_STRAYS:
                self.counters.count("dropped.stray.overload")
            else:
                self._strays += 1
                self.start_soon(partial(self._send_stray, forwarded, hop, branch, flow))
        except (MessageError, RefusedError, TransportError) as error:
            self.note_unroutable(error)

    async def _send_stray(self, request: Request, hop: SipUri, branch: str, flow: Flow) -> None:
        try:
            ways = self.ways(await self.resolver.resolve(hop), request, flow)
            self.transactions.send_statelessly(request, ways, branch, prefer=flow)
        except TransportError as error:
            self.note_unroutable(error)
        finally:
            self._strays -= 1

    def ways(self, targets: list[Target], request: Request, flow: Flow) -> list[Target]:
        """Put TCP before UDP where a request is too large for a datagram (:rfc:`3261#section-18.1.1`).

        UDP stays behind it, for a next hop that takes no connections.

        Args:
            targets: the addresses of the next hop, in the order in which they are to be tried.
            request: as `prepare_forwarded` left it.
            flow: what it came by.
        """
        if not may_exceed_datagram(request):
            return targets
        return [way for target in targets for way in self._ways_to(target, request, flow)]

    def _ways_to(self, target: Target, request: Request, flow: Flow) -> tuple[Target, ...]:
        if target.protocol != "UDP":
            return (target,)
        try:
            sent_by = self.transport.sent_by_to(target, prefer=flow)
        except TransportError:
            return (target,)  # to fail when its turn comes; another one may do
        too_large = exceeds_datagram(request, Interface.of(flow), Interface("UDP", sent_by))
        return (target._replace(protocol="TCP"), target) if too_large else (target,)

    def next_hop(self, request: Request, destination: Destination) -> SipUri:
        """Return the URI to send a request to (:rfc:`3261#section-16.6` steps 6 and 7).

        Args:
            request: made for the destination; changed if the next hop is a strict router.
            destination: where it is to go.

        Raises:
            MessageError, RefusedError: there is no way.
        """
        hop = destination.next_hop or take_next_hop(request)
        if not isinstance(hop, SipUri):
            raise RefusedError(416)
        return hop

    def note_unroutable(self, error: Exception) -> None:
        """Count a request for which there is no way out."""
        reason = error.status if isinstance(error, RefusedError) else getattr(error, "reason", "unknown")
        self.counters.count(f"unroutable.{reason}")
        log.debug("unroutable", reason=reason, detail=str(error))

"""Assembly: a configuration goes in, a running server comes out.

The nursery of the server holds one task for each part; each part holds a nursery of its own. Cancelling the
server cancels everything.
"""

import gc
import resource
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import structlog
import trio

from sipfsm.config import LimitSettings, ListenAddress, Settings, served_domains
from sipfsm.counters import Counters
from sipfsm.fsm import Engine, Event
from sipfsm.life import ServerLife
from sipfsm.location import LocationError, LocationLimits, LocationService, PendingUpdate, open_location
from sipfsm.logs import unfiltered_logger
from sipfsm.message import MessageError, Request, Response, SipUri, make_response
from sipfsm.message.refusal import RefusedError
from sipfsm.proxy import (
    SECRET_BYTES,
    Proxy,
    RelayPolicy,
    SecretError,
    ServedDomains,
    TargetFinder,
    flow_label,
    kept_secret,
)
from sipfsm.registrar import Registrar
from sipfsm.resolver import Resolver
from sipfsm.transaction import ServerTransaction, TransactionLayer
from sipfsm.transport import MAX_HEADER, Flow, Listener, StreamLimits, TransportLayer, note_refused
from sipfsm.transport.layer import PROTOCOLS, EndpointFactory

log = structlog.get_logger("sipfsm.server")

TIMER_SLACK = 0.01
"""Seconds that a timer may fire late: a fiftieth of T1. It saves most awakenings."""

_OTHER_FILES = 128
"""Open files besides connections: listeners, the database, the log, threads."""

CAPABILITIES = (
    (b"accept", b"*/*"),
    (b"accept-encoding", b"identity"),
    (b"accept-language", b"*"),
    (b"supported", b"path"),
)
"""What an OPTIONS to the server itself is told. No Allow, for a proxy forwards all methods
(:rfc:`3261#section-11.2`); Path is what the registrar understands (:rfc:`3327`)."""


class ServerError(Exception):
    """The server cannot start; the text is a sentence for a person."""


class ServerInfo(NamedTuple):
    """What there is to know of a server that has started."""

    listeners: Sequence[Listener]
    """Where it listens, with the ports that were really bound."""
    domains: Sequence[str]
    """What it is responsible for."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a server takes from outside besides its configuration. A simulation brings its own."""

    clock: Callable[[], float] = time.time
    """Gives the unix time in seconds, for registrations; all timers run on Trio's clock."""
    token_bytes: Callable[[int], bytes] = secrets.token_bytes
    """Gives so many bytes that nobody can guess, for branches and tokens."""
    protocols: Mapping[str, EndpointFactory] = field(default_factory=lambda: PROTOCOLS)
    """What binds a socket, for each protocol."""
    resolver: Resolver = field(default_factory=Resolver)
    """What finds the addresses of next hops."""
    engines: Mapping[str, Engine] | None = None
    """All six machines by the names of their models, ready to run; None to make them."""


class Element:
    """The core of the server: gives each request to the registrar, the proxy, or answers it.

    Implements `sipfsm.transaction.TransactionUser`, and `sipfsm.life.Core` for what is to be answered.
    """

    def __init__(
        self,
        life: ServerLife,
        transactions: TransactionLayer,
        proxy: Proxy,
        registrar: Registrar,
        domains: ServedDomains,
    ) -> None:
        """Join the parts."""
        self._life = life
        self._transactions = transactions
        self._proxy = proxy
        self._registrar = registrar
        self._domains = domains
        self._updates: dict[ServerTransaction, PendingUpdate] = {}
        """What each REGISTER that waits for the disk waits for."""

    def serve(self, transaction: ServerTransaction) -> None:
        """Have a new request get what there is for it at this time of the server's life."""
        self._life.take(transaction)

    def take(self, transaction: ServerTransaction) -> None:
        """Take a new request."""
        try:
            self._dispatch(transaction)
        except RefusedError as refusal:
            transaction.respond(refusal.response(transaction.request))
        except MessageError as error:
            note_refused(self._transactions.counters, error)
            transaction.respond(make_response(transaction.request, error.status or 400, error.phrase))

    def _dispatch(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.method == "CANCEL":
            self._cancel(transaction)
            return
        prepared = self._proxy.prepare(request)
        uri = prepared.request.uri
        local = isinstance(uri, SipUri) and self._domains.serves(uri)
        if request.method == "REGISTER" and local:
            self._register(transaction)
        elif request.method == "OPTIONS" and local and isinstance(uri, SipUri) and uri.user is None:
            transaction.respond(_capabilities(request))
        else:
            self._proxy.forward(transaction, prepared)

    def _cancel(self, transaction: ServerTransaction) -> None:
        """Answer a CANCEL, and have its INVITE cancelled (:rfc:`3261#section-9.2`, `16.10`).

        Any other request goes on as if nothing had come.
        """
        cancelled = self._transactions.find_cancelled(transaction.request)
        assert cancelled is not None  # the layer makes no transaction for a CANCEL without one
        transaction.respond(make_response(transaction.request, 200))
        if cancelled.is_invite and cancelled.user is not None:
            cancelled.user.cancelled()

    def _register(self, transaction: ServerTransaction) -> None:
        """Have a REGISTER take its place among the others now, in the order of receipt.

        That is what :rfc:`3261#section-10.3` asks for; only the answer waits, until the bindings are stored.
        """
        request = transaction.request
        taken = self._registrar.take(request, flow_label(transaction.flow))
        if isinstance(taken, Response):
            transaction.respond(taken)
        else:
            transaction.start_soon(self._answer_register, transaction, request, taken)

    async def _answer_register(
        self, transaction: ServerTransaction, request: Request, update: PendingUpdate
    ) -> None:
        self._updates[transaction] = update
        try:
            transaction.respond(await self._registrar.finish(request, update))
        finally:
            del self._updates[transaction]

    def give_up(self, transaction: ServerTransaction) -> None:
        """Answer 503, and have phones that ring told to stop.

        But a REGISTER gets what comes of its update: 503 if that is taken back, the outcome if it is too
        late. Or bindings could be stored of which a 503 says that they are not (:rfc:`3261#section-10.3`
        step 7).
        """
        update = self._updates.get(transaction)
        if update is not None:
            update.give_up()
            return
        transaction.respond(make_response(transaction.request, 503))
        if transaction.user is not None:
            transaction.user.cancelled()

    def take_stray(self, request: Request, flow: Flow) -> None:
        """Take an ACK or CANCEL that belongs to no transaction."""
        self._proxy.take_stray(request, flow)


def _capabilities(request: Request) -> Response:
    """Answer an OPTIONS as :rfc:`3261#section-11.2` has a proxy do it.

    Raises:
        RefusedError: 420, it requires an extension (:rfc:`3261#section-8.2.2.3`).
        MessageError: Require is malformed.
    """
    unknown = [tag for tag in request.require if tag.lower() != "path"]
    if unknown:
        raise RefusedError(420, None, {b"unsupported": ", ".join(unknown).encode("ascii")})
    response = make_response(request, 200)
    for name, value in CAPABILITIES:
        response.headers.add(name, value)
    return response


class Server:
    """All parts of a server, made of a configuration."""

    def __init__(
        self, settings: Settings, *, timer_slack: float = 0.0, surroundings: Surroundings | None = None
    ) -> None:
        """Make the parts; nothing is opened or bound before `run`.

        Args:
            settings: the configuration.
            timer_slack: seconds that timers may fire late, so that several can fire at once.
            surroundings: None for those of this machine.

        Raises:
            ServerError: the configuration names something that cannot be.
        """
        self.settings = settings
        self.surroundings = surroundings or Surroundings()
        self.counters = Counters()
        limits = settings.limits
        self.location: LocationService = _location(settings, self.surroundings.clock)
        self.transactions = TransactionLayer(
            settings.timing,
            self.counters,
            max_transactions=limits.max_transactions,
            tracing=_tracing(settings),
            timer_slack=timer_slack,
            token_bytes=self.surroundings.token_bytes,
            engines=self.surroundings.engines,
        )
        self.transport = TransportLayer(
            settings.listen,
            self.transactions,
            counters=self.counters,
            limits=settings.message_limits,
            stream=_stream_limits(limits),
            aliases=settings.aliases,
            protocols=self.surroundings.protocols,
            tracing=_tracing(settings),
        )
        self.transactions.transport = self.transport
        self.life = ServerLife(self.transactions, tracing=_tracing(settings))
        self.domains: tuple[str, ...] = ()
        self.proxy: Proxy
        self.element: Element

    def _assemble(self, secret: bytes) -> None:
        """Make what has to know the ports that were really bound."""
        settings, surroundings = self.settings, self.surroundings
        bound = [ListenAddress(each.protocol, each.host, each.port) for each in self.transport.listeners]
        # Of a wildcard, the address that its sent-by says, besides loopback: that is where phones register.
        own = [each.sent_by for each in self.transport.listeners]
        self.domains = served_domains(bound, [*settings.domains, *own])
        domains = ServedDomains(self.domains, self.transport)
        users = None if settings.users is None else frozenset(settings.users)
        relay = RelayPolicy(settings.trusted, self.location, domains, secret=secret)
        targets = TargetFinder(domains, self.location, relay, next_hop=settings.next_hop, users=users)
        self.proxy = Proxy(
            self.transactions,
            surroundings.resolver,
            targets,
            relay,
            domains,
            token_bytes=surroundings.token_bytes,
            engines=surroundings.engines,
        )
        registrar = Registrar(
            self.location,
            domains=domains.hosts,
            users=users,
            min_expires=settings.registrar.min_expires,
            default_expires=settings.registrar.default_expires,
            max_expires=settings.registrar.max_expires,
            tracing=_tracing(settings),
            clock=surroundings.clock,
            on_malformed=partial(note_refused, self.counters),
        )
        self.element = Element(self.life, self.transactions, self.proxy, registrar, domains)
        self.transactions.user = self.life.core = self.element

    def _secret(self) -> bytes:
        """Give the secret of the tokens: kept beside the bindings, or for as long as this process lasts."""
        kind, _, path = self.settings.location.partition(":")
        token_bytes = self.surroundings.token_bytes
        return (
            kept_secret(Path(f"{path}.key"), token_bytes) if kind == "sqlite" else token_bytes(SECRET_BYTES)
        )

    async def run(self, *, task_status: trio.TaskStatus[ServerInfo] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until told to end, or cancelled. What was acknowledged is stored before this returns.

        Raises:
            ServerError: the location service or the secret file cannot be opened, or an address not be bound.
        """
        try:
            async with trio.open_nursery() as nursery:
                self.life.begin(nursery)
                await self._start(nursery)
                task_status.started(ServerInfo(self.transport.listeners, self.domains))
                await self.life.ended.wait()
                nursery.cancel_scope.cancel()
        finally:
            if not self.life.terminated:
                self.life.handle(Event.STOP)

    async def _start(self, nursery: trio.Nursery) -> None:
        try:
            await nursery.start(self.location.run)
            secret = self._secret()
            self.transport.bind()
        except (LocationError, OSError, SecretError) as error:
            self.life.handle(Event.START_FAILED)
            raise ServerError(str(error)) from error
        self._assemble(secret)
        # Last of all who receives: whoever takes what arrives is there by then.
        await nursery.start(self.transactions.run)
        await nursery.start(self.proxy.run)
        self.life.handle(Event.STARTED)
        await nursery.start(self.transport.run)

    def end(self) -> None:
        """Have the server end in order, or at once if it is ending already; `run` returns then.

        Requests that begin something new are refused. Those in progress have some seconds to be answered,
        then they get 503 (Service Unavailable), and phones that still ring a CANCEL: see the model `server`.
        """
        self.life.handle(Event.TOLD_TO_END)

    def statistics(self) -> dict[str, object]:
        """Tell what the server holds at this moment."""
        held = self.location.count()
        return {
            "state": self.life.state,
            "tasks": trio.lowlevel.current_statistics().tasks_living,
            "transactions": len(self.transactions.clients) + len(self.transactions.servers),
            "contexts": len(self.proxy.contexts),
            "connections": self.transport.connections,
            "timers": len(self.transactions.timers),
            "bindings": held.bindings,
            "blocks": sys.getallocatedblocks(),
            "counters": dict(sorted(self.counters.items())),
        }


def _tracing(settings: Settings) -> bool:
    """Say if every event of every machine is to be logged."""
    return settings.log_level == "debug"


def _stream_limits(limits: LimitSettings) -> StreamLimits:
    return StreamLimits(
        max_header=min(limits.max_message, MAX_HEADER),
        message_timeout=limits.message_timeout,
        idle_timeout=limits.idle_timeout,
        max_connections=limits.max_connections,
        max_connections_per_host=limits.max_connections_per_host,
    )


def _location(settings: Settings, clock: Callable[[], float]) -> LocationService:
    limits = LocationLimits(
        bindings_per_aor=settings.limits.max_bindings_per_aor, aors=settings.limits.max_aors
    )
    try:
        return open_location(settings.location, clock=clock, limits=limits, tracing=_tracing(settings))
    except LocationError as error:
        raise ServerError(str(error)) from error


async def serve(settings: Settings, *, on_started: Callable[[ServerInfo], None]) -> None:
    """Run a server until SIGTERM or SIGINT has it end, in order, and a second one at once.

    SIGUSR1 has it log its statistics, whatever the level.

    Args:
        settings: the configuration.
        on_started: is told where the server listens, once it does.

    Raises:
        ServerError: it cannot start.
    """
    _tame_the_collector()
    _allow_open_files(settings.limits.max_connections + _OTHER_FILES)
    server = Server(settings, timer_slack=TIMER_SLACK)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGUSR1) as signals:
        async with trio.open_nursery() as nursery:
            info: ServerInfo = await nursery.start(server.run)
            on_started(info)
            log.info("started", listeners=[str(listener) for listener in info.listeners])
            nursery.start_soon(_obey, signals, server)
            await server.life.ended.wait()
            log.info("stopped", **server.statistics())
            nursery.cancel_scope.cancel()


async def _obey(signals: AsyncIterator[int], server: Server) -> None:
    async for number in signals:
        if number == signal.SIGUSR1:
            unfiltered_logger("sipfsm.server").info("statistics", **server.statistics())
        else:
            server.end()
            doing = "ending at once" if server.life.terminated else "draining"
            log.info(doing, signal=signal.Signals(number).name)


def _allow_open_files(count: int) -> None:
    """Raise the soft limit of open files to what all connections together may need, or as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        allowed = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < count:
            log.warning("few open files allowed", allowed=allowed, wanted=count)


def _tame_the_collector() -> None:
    """Let the cycle collector look at what is young often, and at everything rarely.

    A transaction lives for half a minute and leaves no cycles; to traverse a hundred thousand of them again
    and again would stop the server for a second each time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 200)

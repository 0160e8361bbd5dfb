"""A whole server and scripted phones on the simulated network, in virtual time.

The server is the real one, with every part that `sipfsm.server` joins; only its sockets are simulated.

    @simulated()
    async def test_busy(scene: Scene) -> None:
        alice, bob = await scene.phone("alice"), await scene.phone("bob")
        await bob.register()
        await alice.send(alice.request("INVITE", bob.aor))
        bob.answer(await bob.receive("INVITE"), 486)
        await alice.receive(486)

When the script is over, the scene waits until every timer there is must have fired, and then counts: no
response context, transaction, timer or task may be left.
"""

import inspect
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial, wraps
from itertools import count
from typing import Any, Concatenate, ParamSpec

import trio
import trio.lowlevel
from trio.testing import MockClock

from sipfsm.config import Settings
from sipfsm.fsm import Engine, Timing, make_engines
from sipfsm.location import Binding
from sipfsm.message import Request, Response, SipUri, parse_message_untrusted
from sipfsm.proxy import proxy
from sipfsm.resolver import Resolver
from sipfsm.server import Server, Surroundings
from sipfsm.simulation import dialog
from sipfsm.simulation.judge import must
from sipfsm.simulation.network import Link, Network, Packet
from sipfsm.simulation.phone import DOMAIN, SERVER, Phone
from sipfsm.transaction import layer as transaction
from sipfsm.transport import Target, TransportError

SERVER_V6 = "2001:db8::10"
"""The IPv6 address of a server that has one."""

BOTH = (f"udp:{SERVER}:5060", f"tcp:{SERVER}:5060")
DUAL_STACK = (*BOTH, f"udp:[{SERVER_V6}]:5060", f"tcp:[{SERVER_V6}]:5060")

SETTLE = 700.0
"""Seconds after which every timer of a call that was given up has fired, Timer C included."""

EPOCH = 1_700_000_000.0
"""Unix time at which Trio's clock shows 0 in a simulation."""

P = ParamSpec("P")


class Directory(Resolver):
    """Knows the names that a test has written into it, and takes its time to look them up.

    Attributes:
        names: the addresses of each name.
        seconds: how long a lookup takes.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.seconds = 0.1

    async def resolve(self, uri: SipUri) -> list[Target]:
        """Return the addresses to try."""
        targets = self.resolve_nowait(uri)
        if targets is not None:
            return targets
        await trio.sleep(self.seconds)
        if uri.host not in self.names:
            raise TransportError("no-such-host", f"the test knows no {uri.host}")
        addresses = [uri._replace(host=host) for host in self.names[uri.host]]
        return [target for each in addresses for target in self.resolve_nowait(each) or ()]


class Scene:
    """A network, a server, and the phones that a test asks for.

    Attributes:
        network: the network.
        server: the server.
        directory: the names that the server can look up.
    """

    def __init__(
        self, network: Network, server: Server, directory: Directory, nursery: trio.Nursery, others: int
    ):
        """Take the parts, all of which run in `nursery`; `others` is how many tasks are not the server's."""
        self.network = network
        self.server = server
        self.directory = directory
        self.began = trio.current_time()
        self._nursery = nursery
        self._hosts = count(101)
        self._phones: dict[Phone, trio.CancelScope] = {}
        self._tasks = tasks_below(nursery)
        self._others = others

    @property
    def now(self) -> float:
        """Seconds since the scene began."""
        return trio.current_time() - self.began

    async def phone(
        self, name: str, *, host: str | None = None, protocols: Sequence[str] = ("udp", "tcp")
    ) -> Phone:
        """Switch a phone on; unless told otherwise each gets an address of its own."""
        phone = Phone(self.network, name, host or f"192.0.2.{next(self._hosts)}", protocols)
        await self.switch_on(phone)
        return phone

    async def switch_on(self, phone: Phone) -> None:
        """Connect a phone to the network."""
        self._phones[phone] = await self._nursery.start(_run_phone, phone)

    def switch_off(self, phone: Phone) -> None:
        """Have a phone vanish: its sockets are gone, without a word."""
        self._phones.pop(phone).cancel()

    async def bind(self, user: str, contact: str, seconds: float = 3600.0) -> None:
        """Bind a contact to a user of the domain, as if it had been registered."""
        binding = Binding(contact.encode(), 1.0, unix_time() + seconds, "bound", 1)
        await self.server.location.update(f"sip:{user}@{DOMAIN}", lambda live: (*live, binding))

    def forwarded(self, start: str = "", *, to: Phone | None = None) -> list[Packet]:
        """Return what the server has sent whose start line begins so, to one phone if given."""
        return [
            packet
            for packet in self.network.log
            if packet.source.host in {SERVER, SERVER_V6}
            and packet.start_line.startswith(start)
            and (to is None or packet.destination.host == to.host)
        ]

    def counted(self, label: str) -> int:
        """Return how often the server counted something."""
        return self.server.counters[label]

    def leftovers(self) -> dict[str, object]:
        """Return what the server holds of requests, and every fault of its own."""
        return leftovers(self.server)

    async def settle(self) -> None:
        """Let time pass until all must be over, and check that nothing is left.

        Raises:
            Violation: something is.
        """
        await trio.sleep(SETTLE)
        left = self.leftovers()
        must(not left, f"left of requests that are over: {left}")
        for phone in list(self._phones):
            self.switch_off(phone)
        await trio.sleep(1)
        tasks, before = tasks_below(self._nursery), self._tasks
        if self.server.life.terminated:
            before = self._others
        must(tasks == before, f"{tasks} tasks live, where there were {before} before")


async def _run_phone(phone: Phone, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(phone.transport.run)
            task_status.started(scope)


@asynccontextmanager
async def scene(
    *,
    link: Link | None = None,
    seed: int = 0,
    icmp: bool = False,
    network: Network | None = None,
    engines: Mapping[str, Engine] | None = None,
    **settings: Any,
) -> AsyncIterator[Scene]:
    """Run a server on a network of its own.

    Args:
        link: between any two hosts.
        seed: of all that is left to chance.
        icmp: whether hosts say that nobody listens at a port.
        network: another kind of network than the usual one; `link` and `icmp` are then for it to say.
        engines: of all machines, by the names of their models; None for the usual ones.
        **settings: of the server, where they are to differ from the usual ones.
    """
    network = network or Network(seed=seed, link=link, icmp=icmp)
    usual: dict[str, Any] = {"listen": BOTH, "domains": (DOMAIN,), "location": "memory", "no_auth": True}
    directory, chosen = Directory(), Settings(**usual | settings)
    surroundings = Surroundings(
        clock=unix_time,
        token_bytes=random.Random(seed).randbytes,
        protocols=network.protocols,
        resolver=directory,
        engines=engines or ready_engines(chosen.timing),
    )
    server = Server(chosen, surroundings=surroundings)
    async with trio.open_nursery() as nursery:
        await nursery.start(network.run)
        others = tasks_below(nursery)
        await nursery.start(server.run)
        yield Scene(network, server, directory, nursery, others)
        nursery.cancel_scope.cancel()


def simulated(
    *, link: Link | None = None, icmp: bool = False, **settings: Any
) -> Callable[[Callable[Concatenate[Scene, P], Awaitable[None]]], Callable[P, None]]:
    """Make a test of a script: run it with a scene in virtual time, then check that nothing is left.

    Takes the arguments of `scene`.
    """

    def decorate(script: Callable[Concatenate[Scene, P], Awaitable[None]]) -> Callable[P, None]:
        async def play(*args: P.args, **kwargs: P.kwargs) -> None:
            failure: Exception | None = None
            async with scene(link=link, icmp=icmp, **settings) as stage:
                try:
                    await script(stage, *args, **kwargs)
                    await stage.settle()
                except Exception as error:  # noqa: BLE001 - raised again where no nursery wraps it in a group
                    failure = error
            if failure is not None:
                raise failure

        @wraps(script)
        def test(*args: P.args, **kwargs: P.kwargs) -> None:
            trio.run(partial(play, *args, **kwargs), clock=MockClock(autojump_threshold=0))

        # pytest looks here for fixtures and parameters; the scene is neither.
        signature = inspect.signature(script)
        shown = signature.replace(parameters=list(signature.parameters.values())[1:])
        test.__signature__ = shown  # type: ignore[attr-defined]
        return test

    return decorate


@cache
def ready_engines(timing: Timing) -> Mapping[str, Engine]:
    """Return the machines of a server and of the dialogs of phones.

    They keep nothing, and making them takes longer than many a call.
    """
    return make_engines(timing, (*transaction.MODELS, *proxy.MODELS, *dialog.MODELS))


def tasks_below(nursery: trio.Nursery) -> int:
    """Return how many tasks live in a nursery and in those of its tasks."""
    return sum(1 + sum(tasks_below(inner) for inner in task.child_nurseries) for task in nursery.child_tasks)


def leftovers(server: Server) -> dict[str, object]:
    """Return what a server holds of requests, and every fault of its own: nothing, once all is over."""
    found: dict[str, object] = {**server.transactions.held(), **server.proxy.held()}
    found |= {name: n for name, n in server.counters.items() if name.startswith("faults")}
    return {name: n for name, n in found.items() if n}


def unix_time() -> float:
    """Return the unix time in a simulation: it goes by Trio's clock, and begins at a fixed instant."""
    return EPOCH + trio.current_time()


def parsed(packet: Packet) -> Request | Response:
    """Read what was sent, as it was sent."""
    return parse_message_untrusted(packet.data)

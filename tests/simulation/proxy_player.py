"""A whole server that plays a run of a forking proxy, between three phones that do as the run says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import MappingProxyType

from sipfsm.fsm import Timing
from sipfsm.message import Request, make_ack
from sipfsm.simulation.network import Packet
from sipfsm.simulation.phone import DOMAIN, SERVER, Phone
from sipfsm.simulation.scene import Scene, ready_engines, scene
from sipfsm.verify.fork_mail import LANES, Kind
from sipfsm.verify.results import Step
from sipfsm.verify.scenario import Fork
from tests.simulation.player import Find, Player
from tests.simulation.post import status_of

CALLER, PROXY, *CALLEES = LANES

HOSTS = MappingProxyType(
    {CALLER: "192.0.2.1", PROXY: SERVER, CALLEES[0]: "192.0.2.101", CALLEES[1]: "192.0.2.102"}
)

STATUSES = MappingProxyType(
    {Kind.TRYING: 100, Kind.PROVISIONAL: 180, Kind.SUCCESS: 200, Kind.FAILURE: 486, Kind.GLOBAL_FAILURE: 603}
)


class ProxyPlayer(Player):
    """The server, and three phones without a will of their own."""

    def __init__(self, fork: Fork, find: Find) -> None:
        super().__init__()
        self._lanes = {host: lane for lane, host in HOSTS.items()}
        self._engines = {
            **ready_engines(Timing()),
            "invite-server": self.engine(fork.server, find),
            "response-context": self.engine(fork.context, find),
            "branch": self.engine(fork.branch, find),
            "invite-client": self.engine(fork.client, find),
        }
        self._phones: dict[str, Phone] = {}
        self._scene: Scene
        self._invite: Request

    def read(self, packet: Packet) -> tuple[str, tuple[str, str]] | None:
        """Give kind and way of a datagram; an ACK to a callee is left out."""
        way = _, to = self._lanes[packet.source.host], self._lanes[packet.destination.host]
        status = status_of(packet)
        if status is None:
            kind = Kind(packet.start_line.split()[0])
            return None if kind is Kind.ACK and to in CALLEES else (kind, way)
        return _kind_of(status, to), way

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[None]:
        """Run the server; both callees have registered."""
        async with scene(network=self.post, engines=self._engines) as self._scene:
            for lane in (CALLER, *CALLEES):
                phone = await self._scene.phone(lane.replace(" ", ""), host=HOSTS[lane], protocols=("udp",))
                phone.acknowledges = False
                self._phones[lane] = phone
            for lane in CALLEES:
                await self._scene.bind("bob", self._phones[lane].contact)
            yield

    async def begin(self, step: Step) -> None:
        """Have the caller send the INVITE."""
        self._invite = self._phones[CALLER].request("INVITE", f"sip:bob@{DOMAIN}")
        await self._send(step)

    async def choose(self, step: Step) -> None:
        """Have an end send what it chooses, if that is to send something."""
        await self._send(step)

    async def react(self, step: Step) -> None:
        """Have an end send what it answers to a message."""
        if step.who != PROXY:
            await self._send(step)

    async def _send(self, step: Step) -> None:
        phone = self._phones[step.who]
        for kind in step.sent:
            if step.who != CALLER:
                (invite, *_) = phone.got("INVITE")
                phone.answer(invite, STATUSES[Kind(kind)])
            elif kind == Kind.INVITE:
                await phone.send(self._invite)
            elif kind == Kind.CANCEL:
                await phone.send(phone.cancel(self._invite))
            else:
                final = phone.log[-1].response
                await phone.send(make_ack(self._invite, final))

    def told(self) -> dict[str, list[str]]:
        """Give what came to the phones so far."""
        kinds = {
            lane: [_kind_of(each.kind, lane) for each in phone.log] for lane, phone in self._phones.items()
        }
        return {lane: list(told) for lane, told in kinds.items() if told}

    def left(self) -> dict[str, object]:
        """Give what the server holds of the call, and every fault."""
        return self._scene.leftovers()


def _kind_of(what: str | int, to: str) -> Kind:
    """Give the kind of a message by its method or status.

    Which of several failures is the best is not explored: a 6xx that goes upstream is one like any other.
    """
    if isinstance(what, str):
        return Kind(what)
    if what >= 300:
        return Kind.GLOBAL_FAILURE if what >= 600 and to == PROXY else Kind.FAILURE
    return {100: Kind.TRYING, 200: Kind.SUCCESS}.get(what, Kind.PROVISIONAL)

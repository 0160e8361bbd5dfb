"""The response context (:rfc:`3261#section-16.7`): the branches of one request, and what goes upstream."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import trio

from sipfsm.fsm import Action, Driver, Event
from sipfsm.logs import log_step
from sipfsm.message import Request, Response, make_response
from sipfsm.proxy.best import choose_best
from sipfsm.proxy.branch import Branch
from sipfsm.proxy.targets import Destination
from sipfsm.transaction import ServerTransaction

if TYPE_CHECKING:
    from sipfsm.proxy.proxy import Proxy


class ResponseContext(Driver[Response]):
    """Runs the model `response-context`, in a nursery where there are several branches.

    Attributes:
        proxy: whose it is.
        server: the transaction to answer.
        is_invite: whether the request is an INVITE, so that several 2xx may come and CANCEL makes sense.
    """

    __slots__ = (
        "_alive",
        "_branches",
        "_finals",
        "_pending",
        "is_invite",
        "proxy",
        "server",
    )

    def __init__(
        self, proxy: Proxy, server: ServerTransaction, request: Request, destinations: list[Destination]
    ) -> None:
        """Put the context into its initial state; `run` forwards the request.

        Args:
            proxy: whose it is.
            server: the transaction to answer.
            request: a copy of its request, the route information in order; it is changed.
            destinations: where it is to go, at least one.
        """
        super().__init__(proxy.context_engine.create(reliable=False))
        self.proxy = proxy
        self.server = server
        self.is_invite = request.method == "INVITE"
        *others, last = destinations
        self._branches = [Branch(self, request.copy(), destination) for destination in others]
        self._branches.append(Branch(self, request, last))
        # Dictionaries as ordered sets: CANCELs go out in the order of the branches, in every run.
        self._alive: dict[Branch, None] = {}
        self._pending: dict[Branch, None] = {}
        self._finals: list[Response] = []

    async def run(self) -> None:
        """Have the machine start the branches, and live until all of them are gone."""
        self.handle(Event.TU_REQUEST)
        self._branches.clear()
        if not self._alive:
            return  # cancelled in the meantime
        first, *others = self._alive
        if others:
            async with trio.open_nursery() as nursery:
                for branch in others:
                    nursery.start_soon(branch.run)
                await first.run()  # which needs no task of its own
        else:
            await first.run()

    def stepped(self, event: Event, before: str) -> None:
        """Log the step, if every event is to be logged."""
        if self.proxy.transactions.tracing:
            log_step(self, self.server.key, event, before)

    # ---- what the branches offer

    def offer_provisional(self, response: Response) -> None:
        """Take a provisional response other than 100; for what is no INVITE there is none to forward."""
        if self.is_invite:
            self.handle(Event.PROVISIONAL, response)
        else:
            self.proxy.counters.count("dropped.response.provisional")

    def offer_success(self, branch: Branch, response: Response) -> None:
        """Take a 2xx."""
        self._pending.pop(branch, None)
        self.handle(Event.SUCCESS_INVITE if self.is_invite else Event.SUCCESS_NON_INVITE, response)

    def offer_own(self, branch: Branch, status: int) -> None:
        """Take what a branch makes of a timeout or an error: as if a response had come with that status."""
        if self.server.answered:
            self._pending.pop(branch, None)
        else:
            self.offer_failure(branch, make_response(self.server.request, status))

    def offer_failure(self, branch: Branch, response: Response) -> None:
        """Take any other final response."""
        self._pending.pop(branch, None)
        if not self.server.answered:
            self._finals.append(response)
        if response.status >= 600:
            self.handle(Event.GLOBAL_FAILURE_PENDING if self._pending else Event.GLOBAL_FAILURE_LAST)
        else:
            self.handle(Event.FAILURE_PENDING if self._pending else Event.FAILURE_LAST)

    def branch_gone(self, branch: Branch) -> None:
        """Take note that a branch has no client transaction any more."""
        self._alive.pop(branch, None)
        if not self._alive:
            self.handle(Event.BRANCHES_GONE)

    # ---- what the server transaction tells

    def cancelled(self) -> None:
        """Take a CANCEL for the request (:rfc:`3261#section-16.10`)."""
        self.handle(Event.CANCEL)

    def ack_arrived(self, ack: Request) -> None:
        """Take an ACK that has the branch of its INVITE: forwarded like any other ACK of a 2xx."""
        self.proxy.take_stray(ack, self.server.flow)

    def answer_lost(self) -> None:
        """Count an answer whose ACK never came, or that could not be sent."""
        self.proxy.counters.count("answers.lost")

    # ---- actions

    def _start_branches(self, _response: Response | None) -> None:
        self._alive = dict.fromkeys(self._branches)
        self._pending = dict.fromkeys(self._branches)

    def _forward_response(self, response: Response | None) -> None:
        assert response is not None
        self.server.respond(response)

    def _forward_best(self, _response: Response | None) -> None:
        if self.server.answered:
            return  # the server is ending, and has answered for us
        best = choose_best(self._finals) if self._finals else make_response(self.server.request, 487)
        self._finals.clear()
        # RFC 4320 4.2: a 408 to what is no INVITE is not sent, for the client has timed out by itself; the
        # transaction then absorbs late copies until Timer tu, lest one be taken for a new request.
        self.server.respond(best)

    def _cancel_branches(self, _response: Response | None) -> None:
        if self.is_invite:  # RFC 3261 9.1: CANCEL is for INVITE
            for branch in tuple(self._pending):
                branch.handle(Event.CANCEL)

    def _drop(self, _response: Response | None) -> None:
        self.proxy.counters.count("dropped.response.after-final")

    def _terminate(self, _response: Response | None) -> None:
        """Do nothing: the last branch has ended, and with it the nursery does."""

    performers: ClassVar[dict[Action, Callable[[Any, Any], None]]] = {
        Action.START_BRANCHES: _start_branches,
        Action.FORWARD_RESPONSE: _forward_response,
        Action.FORWARD_BEST: _forward_best,
        Action.CANCEL_BRANCHES: _cancel_branches,
        Action.DROP: _drop,
        Action.TERMINATE: _terminate,
    }

"""What a transaction user offers to the transaction layer. No method of it may block or raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sipfsm.message import Request, Response
from sipfsm.transport import Flow, TransportError

if TYPE_CHECKING:
    from sipfsm.transaction.server import ServerTransaction


class TransactionUser(Protocol):
    """The core: takes what arrives."""

    def serve(self, transaction: ServerTransaction) -> None:
        """Take a new request. It is to be answered by `ServerTransaction.respond`, now or later."""

    def take_stray(self, request: Request, flow: Flow) -> None:
        """Take what gets no transaction: an ACK that matches none, or a CANCEL whose INVITE is not known."""


class ClientUser(Protocol):
    """Who sent a request: gets what becomes of it."""

    def response_arrived(self, response: Response) -> None:
        """Take a response, our own Via still on top."""

    def timed_out(self) -> None:
        """Take note that no final response came: as a 408 (:rfc:`3261#section-8.1.3.1`)."""

    def transport_failed(self, error: TransportError) -> None:
        """Take note that the request could not be delivered: as a 503 (:rfc:`3261#section-8.1.3.1`)."""


class ServerUser(Protocol):
    """Who answers a request: gets what becomes of the answer."""

    def ack_arrived(self, ack: Request) -> None:
        """Take the ACK of a 2xx that has the branch of its INVITE (:rfc:`6026#section-7.1`)."""

    def answer_lost(self) -> None:
        """Take note that the ACK never came, or that the answer could not be sent."""

    def cancelled(self) -> None:
        """Take note that the client wants no answer any more (:rfc:`3261#section-9.2`)."""

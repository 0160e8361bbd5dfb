"""From the bytes of one message to the receiver: parse, check, mark the Via, drop what must be dropped."""

import structlog

from sipfsm.counters import Counters
from sipfsm.message import (
    Limits,
    MessageError,
    Request,
    check_overlong_untrusted,
    check_untrusted,
    parse_message_untrusted,
)
from sipfsm.transport.address import Target
from sipfsm.transport.faults import FaultLog
from sipfsm.transport.interface import Flow, Receiver
from sipfsm.transport.names import LocalNames
from sipfsm.transport.via import mark_source

log = structlog.get_logger(__name__)


def note_refused(counters: Counters, error: MessageError, remote: str | None = None) -> None:
    """Count and log a malformed request that is answered, by whichever layer finds it so.

    Args:
        counters: where it is counted.
        error: what is wrong.
        remote: where it came from, if that is known here.
    """
    counters.count(f"refused.{error.reason}")
    _log_defect("message refused", error, remote)


def _log_defect(event: str, error: MessageError, remote: str | None) -> None:
    log.debug(event, reason=error.reason, detail=error.phrase, offending=error.offending, remote=remote)


class Intake:
    """What every listener hands its messages to. Never raises: a reader lives on whatever comes in."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        names: LocalNames,
        counters: Counters,
        limits: Limits,
        faults: FaultLog | None = None,
    ):
        """Make the intake of a transport layer.

        Args:
            receiver: gets what is well-formed.
            names: tells which responses are for us.
            counters: where drops are counted.
            limits: of one message.
            faults: where exceptions of the receiver are reported.
        """
        self._receiver = receiver
        self._names = names
        self._counters = counters
        self._limits = limits
        self.faults = faults or FaultLog(counters)

    def take(self, data: bytes, flow: Flow) -> None:
        """Take one datagram, or one message cut out of a stream."""
        try:
            message = parse_message_untrusted(data, self._limits)
            check_untrusted(message, self._limits)
            if not data.isascii():
                check_overlong_untrusted(message)
            if isinstance(message, Request):
                mark_source(message, flow.remote)
            elif not self._names.is_sent_by(message.via):
                # RFC 3261 18.1.2: MUST be discarded silently, or we would relay whatever is sent to us.
                self._counters.count("dropped.response.foreign-via")
                return
            self._receiver.receive(message, flow)
        except MessageError as error:
            self.refuse(error, flow)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the reader
            self.faults.report(error, "taking a message")

    def refuse(self, error: MessageError, flow: Flow) -> None:
        """Have a bad request answered if it can be, and drop everything else."""
        try:
            answerable = _can_be_answered(error, flow)
            remote = str(Target(flow.protocol, *flow.remote))
            if answerable:
                note_refused(self._counters, error, remote)
                self._receiver.refuse(error, flow)
            else:
                self._counters.count(f"dropped.parse.{error.reason}")
                _log_defect("message dropped", error, remote)
        except Exception as fault:  # noqa: BLE001 - as above
            self.faults.report(fault, "refusing a message")

    def refuse_unframed_untrusted(self, header: bytes, error: MessageError, flow: Flow) -> None:
        """Have a request answered whose end in a stream cannot be told.

        Args:
            header: start line and header fields, with the empty line.
            error: why it cannot be framed; its message is filled in from `header` as far as possible.
            flow: the connection.
        """
        try:
            error.about(parse_message_untrusted(header, self._limits))
        except MessageError as unreadable:
            # The length is what is wrong, so the parser may object too: what it could read will do.
            if unreadable.message is not None:
                error.about(unreadable.message)
        except Exception as fault:  # noqa: BLE001 - as above
            self.faults.report(fault, "reading a message without an end")
        self.refuse(error, flow)


def _can_be_answered(error: MessageError, flow: Flow) -> bool:
    """Say if a bad message gets an answer, after marking its Via so that the answer finds its way.

    Without a readable Via no response finds its way or its transaction. What is malformed is answered without
    a transaction, and who has none MUST ignore a CANCEL (:rfc:`3261#section-8.2.7`): its INVITE is answered
    all the same, only later.
    """
    request = error.message
    if error.status is None or not isinstance(request, Request) or request.method == "CANCEL":
        return False
    try:
        mark_source(request, flow.remote)
    except MessageError:
        return False
    return True

"""The update of bindings by a REGISTER, as a pure function (:rfc:`3261#section-10.3` steps 6 and 7)."""

from sipfsm.fsm import Event
from sipfsm.location import Binding, BindingLife
from sipfsm.message import MessageError, Uri, parse_uri_untrusted
from sipfsm.message.refusal import RefusedError
from sipfsm.registrar.registration import Registration, WantedContact


class _Entry(BindingLife):
    """A binding while a request is carried out."""

    __slots__ = ("_tentative", "_uri")

    def __init__(self, contact: bytes, binding: Binding | None, *, tracing: bool) -> None:
        super().__init__(contact, binding, tracing=tracing)
        self._uri: Uri | None = None  # not read yet, or what is stored is no URI
        self._tentative = False  # written by this very request

    def is_for(self, wanted: WantedContact) -> bool:
        """Say if a contact of the request is this one."""
        if self.binding is None:
            return False
        if self.binding.contact == wanted.raw:
            return True
        if self._uri is None:
            try:
                self._uri = parse_uri_untrusted(self.binding.contact)
            except MessageError:  # somebody else wrote it into the database
                return False
        return self._uri.equivalent(wanted.uri)

    def take(self, event: Event, registration: Registration, new: Binding | None = None) -> None:
        """Have something happen to the binding, if the request is in order for it.

        Raises:
            RefusedError: 500, it is not: "The update MUST be aborted and the request fails".
        """
        held = None if self._tentative else self.binding
        if held and held.call_id == registration.call_id and registration.cseq <= held.cseq:
            event = Event.OUT_OF_ORDER
        self.handle(event, new)
        if self.refused:
            raise RefusedError(500, "CSeq Out of Order")
        self._tentative = True
        self._uri = None


def updated(
    live: tuple[Binding, ...], registration: Registration, now: float, *, tracing: bool = False
) -> tuple[Binding, ...]:
    """Give the bindings that a REGISTER leaves of the live ones; all of its contacts or none take effect.

    Two bindings of the result are never equivalent by :rfc:`3261#section-19.1.4`. Equivalence is not
    transitive, so a contact can be equivalent to several bindings; it replaces, or removes, all of them. Of
    two equivalent contacts in one request the later one counts: they are processed in turn.

    Args:
        live: the bindings of the address-of-record.
        registration: the update.
        now: when the request was received, in seconds of unix time; intervals count from there
            (:rfc:`3261#section-20.19`).
        tracing: log what happens to each binding, at level debug.

    Raises:
        RefusedError: 500, if the request came out of order for one of the bindings that it touches.
    """
    entries = [_Entry(binding.contact, binding, tracing=tracing) for binding in live]
    if registration.remove_all:
        for entry in entries:
            entry.take(Event.UNREGISTER, registration)
    for wanted in registration.contacts:
        new = _binding(wanted, registration, now) if wanted.interval else None
        same = [entry for entry in entries if entry.is_for(wanted)]
        if not same:
            same = [_Entry(wanted.raw, None, tracing=tracing)]
            entries += same
        # A refreshed binding keeps its place among those of equal q.
        same[0].take(Event.REGISTER if new else Event.UNREGISTER, registration, new)
        for entry in same[1:]:
            entry.take(Event.REPLACED if new else Event.UNREGISTER, registration)
    return tuple(entry.binding for entry in entries if entry.binding is not None)


def _binding(wanted: WantedContact, registration: Registration, now: float) -> Binding:
    return Binding(
        contact=wanted.raw,
        q=wanted.q,
        expires_at=now + wanted.interval,
        call_id=registration.call_id,
        cseq=registration.cseq,
        path=registration.path,
        params=wanted.params,
        received=registration.received,
    )

"""The update of bindings by a REGISTER, as a pure function (:rfc:`3261#section-10.3` steps 6 and 7)."""

from dataclasses import dataclass

from sipfsm.location import Binding
from sipfsm.message import MessageError, Uri, parse_uri_untrusted
from sipfsm.message.refusal import RefusedError
from sipfsm.registrar.registration import Registration, WantedContact


@dataclass(frozen=True, slots=True)
class _Entry:
    """A binding while the request is carried out."""

    binding: Binding
    uri: Uri | None  # None: not read yet, or what is stored is no URI
    tentative: bool  # written by this very request


def updated(live: tuple[Binding, ...], registration: Registration, now: float) -> tuple[Binding, ...]:
    """Give the bindings that a REGISTER leaves of the live ones; all of its contacts or none take effect.

    Two bindings of the result are never equivalent by :rfc:`3261#section-19.1.4`. Equivalence is not
    transitive, so a contact can be equivalent to several bindings; it replaces, or removes, all of them. Of
    two equivalent contacts in one request the later one counts: they are processed in turn.

    Args:
        live: the bindings of the address-of-record.
        registration: the update.
        now: when the request was received, in seconds of unix time; intervals count from there
            (:rfc:`3261#section-20.19`).

    Raises:
        RefusedError: 500, if the request came out of order for one of the bindings that it touches.
    """
    if registration.remove_all:
        for binding in live:
            _check_order(binding, registration)
        return ()
    entries = [_Entry(binding, None, tentative=False) for binding in live]
    for wanted in registration.contacts:
        entries = _with_contact(entries, wanted, registration, now)
    return tuple(entry.binding for entry in entries)


def _with_contact(
    entries: list[_Entry], wanted: WantedContact, registration: Registration, now: float
) -> list[_Entry]:
    new: list[_Entry] = []
    if wanted.interval:
        new = [_Entry(_binding(wanted, registration, now), wanted.uri, tentative=True)]
    result: list[_Entry] = []
    for entry in entries:
        if not _same_contact(entry, wanted):
            result.append(entry)
            continue
        if not entry.tentative:
            _check_order(entry.binding, registration)
        result += new  # a refreshed binding keeps its place among those of equal q
        new = []
    return result + new


def _check_order(binding: Binding, registration: Registration) -> None:
    if binding.call_id == registration.call_id and registration.cseq <= binding.cseq:
        # "The update MUST be aborted and the request fails", and when an update fails the answer is 500.
        raise RefusedError(500, "CSeq Out of Order")


def _same_contact(entry: _Entry, wanted: WantedContact) -> bool:
    if entry.binding.contact == wanted.raw:
        return True
    uri = entry.uri
    if uri is None:
        try:
            uri = parse_uri_untrusted(entry.binding.contact)
        except MessageError:  # somebody else wrote it into the database
            return False
    return uri.equivalent(wanted.uri)


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

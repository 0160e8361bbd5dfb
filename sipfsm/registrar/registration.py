"""What a REGISTER asks for, read from the request and checked, before anything is looked up."""

from dataclasses import dataclass

from sipfsm.message import MessageError, NameAddr, Request, SipUri, Uri
from sipfsm.message.refusal import RefusedError
from sipfsm.message.values import parse_values_untrusted
from sipfsm.registrar.policy import ExpiryPolicy

MAX_CONTACTS = 32
"""Contact values in one REGISTER. Each is compared with each binding: without a limit one datagram could keep
the server busy for seconds."""


@dataclass(frozen=True, slots=True)
class WantedContact:
    """One Contact value of a REGISTER."""

    uri: Uri
    raw: bytes
    """The URI as it was sent."""
    q: float
    interval: int
    """The granted expiration interval in seconds; 0 removes the binding."""
    params: bytes
    """Parameters other than q and expires, as they were sent."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The update that a REGISTER with Contact asks for (:rfc:`3261#section-10.3` steps 6 and 7)."""

    call_id: str
    cseq: int
    remove_all: bool
    """Contact is ``*``."""
    contacts: tuple[WantedContact, ...]
    path: tuple[bytes, ...]
    received: str | None
    """The flow it came over."""


def read_registration(request: Request, policy: ExpiryPolicy, received: str | None) -> Registration | None:
    """Read the update; None if there is no Contact, so that the request only fetches.

    Raises:
        RefusedError: 400 for a ``*`` without Expires 0 (step 6), or a SIPS contact that was not protected all
            the way (:rfc:`5630#section-5.2`), 423 for too brief an interval (step 7), 403 for too many
            contacts.
        MessageError: a field is malformed.
    """
    if b"contact" not in request.headers:
        return None
    _check_number_of_contacts(request)
    contacts: tuple[WantedContact, ...] = ()
    if request.contact_is_star:
        if request.expires != 0:
            raise RefusedError(400, "Contact * needs Expires: 0")
    else:
        contacts = _wanted_contacts(request, policy)
        if any(contact.interval and contact.uri.scheme == "sips" for contact in contacts):
            _check_protected(request)
    return Registration(
        call_id=request.call_id,
        cseq=request.cseq.number,
        remove_all=request.contact_is_star,
        contacts=contacts,
        path=tuple(request.headers.values(b"path")),
        received=received,
    )


def _check_number_of_contacts(request: Request) -> None:
    # Commas also stand in quoted strings; they are counted exactly only when there are many.
    headers = request.headers
    most = sum(line.count(b",") + 1 for line in headers.lines(b"contact"))
    if most > MAX_CONTACTS and len(headers.values(b"contact")) > MAX_CONTACTS:
        raise RefusedError(403, "Too Many Contacts")


def _wanted_contacts(request: Request, policy: ExpiryPolicy) -> tuple[WantedContact, ...]:
    try:
        return parse_values_untrusted(
            request.contacts, lambda contact: _wanted(contact, request.expires, policy)
        )
    except MessageError as error:
        raise error.found_in("Contact") from None


def _wanted(contact: NameAddr, header: int | None, policy: ExpiryPolicy) -> WantedContact:
    own = contact.expires
    return WantedContact(
        uri=contact.uri,
        raw=contact.raw_uri,
        q=1.0 if contact.q is None else contact.q,
        interval=policy.grant(header if own is None else own),
        params=contact.params.without("q", "expires").to_bytes(),
    )


def _check_protected(request: Request) -> None:
    hops = [request.uri, *(hop.uri for hop in request.paths)]
    if not all(isinstance(hop, SipUri) and hop.scheme == "sips" for hop in hops):
        raise RefusedError(400, "SIPS Contact over SIP")

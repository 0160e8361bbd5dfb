"""The update of bindings as a pure function: what holds for every request and every state."""

from dataclasses import dataclass, replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipfsm.location import Binding
from sipfsm.message import parse_uri_untrusted
from sipfsm.message.refusal import RefusedError
from sipfsm.registrar.registration import Registration, WantedContact
from sipfsm.registrar.rules import updated

NOW = 1_000.0

# Names in capitals stand for contacts that are equivalent to nothing but their own spellings.
SPELLINGS = {
    "A": [b"sip:a@h", b"sip:%61@H", b"SIP:a@h"],
    "B": [b"sip:b@h;transport=tcp", b"sip:b@H;TRANSPORT=Tcp"],
    "C": [b"mailto:c@h"],
}
# Equivalent to the one in front, and not to each other.
NOT_TRANSITIVE = [b"sip:n@h", b"sip:n@h;x=1", b"sip:n@h;x=2"]


def wanted(raw: bytes, interval: int, q: float = 1.0) -> WantedContact:
    return WantedContact(parse_uri_untrusted(raw), raw, q, interval, b"")


def registration(*contacts: WantedContact, call_id: str = "c", cseq: int = 1) -> Registration:
    return Registration(call_id, cseq, remove_all=False, contacts=contacts, path=(), received=None)


@dataclass(frozen=True)
class Request:
    """A REGISTER in terms of the model: names, spellings and intervals."""

    call_id: str
    cseq: int
    contacts: tuple[tuple[str, int, int], ...]  # name, number of the spelling, interval; none: "*"

    def registration(self) -> Registration:
        contacts = [
            wanted(SPELLINGS[name][spelling % len(SPELLINGS[name])], interval)
            for name, spelling, interval in self.contacts
        ]
        return replace(
            registration(*contacts, call_id=self.call_id, cseq=self.cseq), remove_all=not self.contacts
        )


class Model:
    """The rules over again: a dictionary from the name of a contact to what is bound."""

    def __init__(self) -> None:
        self.bound: dict[str, tuple[str, int, float]] = {}

    def apply(self, request: Request) -> bool:
        """Carry out a request; False if it fails."""
        touched = {name for name, _, _ in request.contacts} or set(self.bound)
        for name in touched & set(self.bound):
            call_id, cseq, _ = self.bound[name]
            if call_id == request.call_id and cseq >= request.cseq:
                return False
        if not request.contacts:
            self.bound.clear()
        for name, _, interval in request.contacts:
            if interval:
                self.bound[name] = (request.call_id, request.cseq, NOW + interval)
            else:
                self.bound.pop(name, None)
        return True


requests = st.builds(
    Request,
    call_id=st.sampled_from(["c", "d"]),
    cseq=st.integers(1, 6),
    contacts=st.lists(
        st.tuples(st.sampled_from(sorted(SPELLINGS)), st.integers(0, 2), st.sampled_from([0, 60, 600])),
        max_size=4,
    ).map(tuple),
)


@given(st.lists(requests, max_size=12))
def test_random_requests_leave_what_the_model_says(script: list[Request]) -> None:
    model = Model()
    live: tuple[Binding, ...] = ()
    for request in script:
        try:
            live, passed = updated(live, request.registration(), NOW), True
        except RefusedError:
            passed = False
        assert passed == model.apply(request)
        held = {
            next(name for name, spellings in SPELLINGS.items() if one.contact in spellings): (
                one.call_id,
                one.cseq,
                one.expires_at,
            )
            for one in live
        }
        assert held == model.bound
        assert len(held) == len(live)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(NOT_TRANSITIVE), st.sampled_from([0, 60])), min_size=1, max_size=4)
    )
)
def test_no_two_bindings_are_ever_equivalent(script: list[list[tuple[bytes, int]]]) -> None:
    live: tuple[Binding, ...] = ()
    for cseq, contacts in enumerate(script, 1):
        live = updated(live, registration(*(wanted(*one) for one in contacts), cseq=cseq), NOW)
        uris = [parse_uri_untrusted(one.contact) for one in live]
        assert not any(one.equivalent(other) for one, other in combinations(uris, 2))
        last, interval = contacts[-1]
        assert (last in [one.contact for one in live]) == bool(interval)


def test_a_refreshed_binding_keeps_its_place() -> None:
    live = updated((), registration(*(wanted(raw, 60) for raw in (b"sip:a@h", b"sip:b@h", b"sip:c@h"))), NOW)
    live = updated(live, registration(wanted(b"sip:b@H", 60), cseq=2), NOW)
    assert [one.contact for one in live] == [b"sip:a@h", b"sip:b@H", b"sip:c@h"]


def test_a_stored_contact_that_is_no_uri_is_in_nobodys_way() -> None:
    """Somebody else wrote it into the database; it can be removed by its bytes, and by ``*``."""
    odd = Binding(b"nonsense", 1.0, NOW + 60, "c", 1)
    live = updated((odd,), registration(wanted(b"sip:a@h", 60), cseq=2), NOW)
    assert live[0] is odd
    assert len(live) == 2


def test_everything_of_the_request_is_in_the_binding() -> None:
    request = Registration("c", 7, False, (wanted(b"sip:a@h", 60, 0.5),), (b"<sip:p;lr>",), "tcp:h:1")
    (binding,) = updated((), request, NOW)
    assert binding == Binding(b"sip:a@h", 0.5, NOW + 60, "c", 7, (b"<sip:p;lr>",), b"", "tcp:h:1")


@pytest.mark.parametrize("cseq", [1, 2])
def test_order_counts_against_what_is_stored_and_not_within_a_request(cseq: int) -> None:
    live = updated((), registration(wanted(b"sip:a@h", 60), wanted(b"sip:a@h", 120), cseq=1), NOW)
    assert [one.expires_at for one in live] == [NOW + 120]
    again = registration(wanted(b"sip:a@h", 60), cseq=cseq)
    if cseq == 2:
        assert updated(live, again, NOW)[0].expires_at == NOW + 60
    else:
        with pytest.raises(RefusedError):
            updated(live, again, NOW)

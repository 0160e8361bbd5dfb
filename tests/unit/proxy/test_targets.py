"""From bindings to destinations: what a file may hold that no registrar has let in."""

import time

import pytest
import trio

from sipfsm.location import Binding, MemoryLocation
from sipfsm.message import Headers, Request
from sipfsm.message.refusal import RefusedError
from sipfsm.proxy.relay import RelayPolicy
from sipfsm.proxy.routing import Prepared
from sipfsm.proxy.targets import Destination, TargetFinder
from tests.unit.proxy.support import FixedFlow, served


def found(*contacts: bytes) -> list[Destination]:
    """Return the destinations of a request to a user with these contacts, best first."""
    location = MemoryLocation()
    bindings = tuple(
        Binding(contact, 1 - number / 10, time.time() + 60, "1", 1, (b"<sip:p%d;lr>" % number,))
        for number, contact in enumerate(contacts)
    )
    trio.run(location.update, "sip:bob@example.com", lambda _: bindings)
    relay = RelayPolicy([], location, served(), secret=b"secret")
    finder = TargetFinder(served(), location, relay, next_hop=None, users=None)
    request = Request("INVITE", b"sip:bob@example.com", Headers())
    return finder.find(Prepared(request, None), FixedFlow())


def test_the_destinations_are_in_the_order_of_preference_each_with_its_own_path() -> None:
    first, second = found(b"sip:one@192.0.2.1", b"sip:two@192.0.2.2")
    assert (str(first.uri), first.path) == ("sip:one@192.0.2.1", (b"<sip:p0;lr>",))
    assert (str(second.uri), second.path) == ("sip:two@192.0.2.2", (b"<sip:p1;lr>",))


def test_a_contact_that_cannot_be_read_is_passed_over() -> None:
    [only] = found(b"sip:\xff", b"sip:two@192.0.2.2", b"")
    assert str(only.uri) == "sip:two@192.0.2.2"


def test_with_no_other_contact_the_user_is_not_to_be_reached() -> None:
    with pytest.raises(RefusedError) as caught:
        found(b"sip:\xff")
    assert caught.value.status == 480

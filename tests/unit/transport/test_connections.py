"""How many connections one host may have."""

import pytest

from sipfsm.counters import Counters
from sipfsm.transport import StreamLimits, TransportError
from sipfsm.transport.connections import Connections, holder_of


@pytest.mark.parametrize(
    ("host", "holder"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_ipv6_network_is_one_holder(host: str, holder: str) -> None:
    assert holder_of(host) == holder


def test_another_address_of_the_same_network_gets_no_further_place() -> None:
    connections = Connections(StreamLimits(max_connections_per_host=1), Counters())
    with connections.place("2001:db8::1"), connections.place("2001:db8:0:1::1"):
        with pytest.raises(TransportError) as caught, connections.place("2001:db8::2"):
            pass
        assert caught.value.reason == "too-many-connections"
    with connections.place("2001:db8::2"):
        assert connections.total == 1

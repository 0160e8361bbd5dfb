"""Calls between two SIPp user agents through the proxy, over UDP and over TCP."""

from __future__ import annotations

import socket

import pytest

from tests.interop.laboratory import Laboratory
from tests.interop.process import free_port
from tests.interop.sipp import Sipp, Traced

both_transports = pytest.mark.parametrize("protocol", ["udp", "tcp"])


def uri(port: int, protocol: str) -> str:
    """A callee on loopback, addressed straight by the Request-URI."""
    return f"sip:callee@127.0.0.1:{port};transport={protocol}"


def the(phone: Sipp, start: str) -> Traced:
    """The one message received whose start line begins so."""
    (only,) = phone.received(start)
    return only


@both_transports
def test_a_call_travels_by_the_route_set_that_the_proxy_recorded(
    laboratory: Laboratory, protocol: str
) -> None:
    proxy = laboratory.proxy()
    callee = laboratory.callee("uas_call", protocol=protocol)
    caller = laboratory.caller("uac_call", proxy.port, uri(callee.port, protocol), protocol=protocol)
    caller.finish()
    callee.finish()

    invite, answer = the(callee, "INVITE"), caller.received("SIP/2.0 200")[0]
    (recorded,) = invite.header("Record-Route")
    assert f"127.0.0.1:{proxy.port}" in recorded
    assert ";lr" in recorded
    assert answer.header("Record-Route") == [recorded]
    assert invite.header("Max-Forwards") == ["69"]
    assert len(answer.header("Via")) == 1, (
        "the proxy takes its own Via from a response (RFC 3261 16.7 step 3)"
    )

    for method in ("ACK", "BYE"):
        (sent,) = (one for one in caller.messages() if one.sent and one.start_line.startswith(method))
        received = the(callee, method)
        assert sent.header("Route") == [recorded]
        assert received.header("Route") == [], "the proxy takes away the Route that named it (RFC 3261 16.4)"
        vias = received.header("Via")
        assert len(vias) == 2
        assert f"127.0.0.1:{proxy.port}" in vias[0]
        assert received.start_line.split()[1] == sent.start_line.split()[1], (
            "loose routing leaves the Request-URI alone"
        )


@both_transports
def test_the_callee_hangs_up_by_the_route_set_that_it_recorded(laboratory: Laboratory, protocol: str) -> None:
    proxy = laboratory.proxy()
    port = free_port()
    target = uri(port, protocol)
    callee = laboratory.callee("uas_hangs_up", port=port, protocol=protocol, keys={"target": target})
    caller = laboratory.caller("uac_hung_up_on", proxy.port, target, protocol=protocol)
    caller.finish()
    callee.finish()
    bye = the(caller, "BYE")
    assert bye.header("Route") == []
    assert f"127.0.0.1:{proxy.port}" in bye.header("Via")[0]


def test_a_call_over_ipv6(laboratory: Laboratory) -> None:
    server = laboratory.server(hosts=["::1"])
    callee = laboratory.callee("uas_call", host="::1")
    caller = laboratory.caller("uac_call", server.port, f"sip:callee@[::1]:{callee.port}", host="::1")
    caller.finish()
    callee.finish()
    assert f"[::1]:{server.port}" in the(callee, "BYE").header("Via")[0]


def test_a_call_from_udp_to_tcp(laboratory: Laboratory) -> None:
    proxy = laboratory.proxy()
    callee = laboratory.callee("uas_call", protocol="tcp")
    caller = laboratory.caller("uac_call", proxy.port, uri(callee.port, "tcp"))
    caller.finish()
    callee.finish()
    assert the(callee, "INVITE").header("Via")[0].startswith("SIP/2.0/TCP")
    assert the(callee, "BYE").header("Via")[0].startswith("SIP/2.0/TCP")


@both_transports
def test_the_caller_gives_up_while_it_rings(laboratory: Laboratory, protocol: str) -> None:
    proxy = laboratory.proxy()
    callee = laboratory.callee("uas_cancelled", protocol=protocol)
    target = uri(callee.port, protocol)
    caller = laboratory.caller("uac_cancel", proxy.port, target, protocol=protocol, extra=["-d", "200"])
    caller.finish()
    callee.finish()
    # The CANCEL that reaches the callee is the proxy's own: one Via, with the branch of its INVITE (9.1).
    invite, cancel = the(callee, "INVITE"), the(callee, "CANCEL")
    assert cancel.header("Via") == invite.header("Via")[:1]
    assert cancel.start_line.split()[1] == invite.start_line.split()[1]


@both_transports
def test_a_busy_callee(laboratory: Laboratory, protocol: str) -> None:
    proxy = laboratory.proxy()
    callee = laboratory.callee("uas_busy", protocol=protocol)
    caller = laboratory.caller("uac_busy", proxy.port, uri(callee.port, protocol), protocol=protocol)
    caller.finish()
    callee.finish()  # it waits for the proxy's ACK: that of a final response other than 2xx is hop by hop


def test_a_silent_callee_ends_in_408(laboratory: Laboratory) -> None:
    proxy = laboratory.proxy(t1=0.03)  # Timer B: 64 * T1, some 2 s
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        caller = laboratory.caller("uac_no_answer", proxy.port, uri(silent.getsockname()[1], "udp"))
        result = caller.finish()
    assert result.seconds < 10


def test_a_silent_callee_over_tcp_ends_in_408(laboratory: Laboratory) -> None:
    proxy = laboratory.proxy(t1=0.03)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = uri(silent.getsockname()[1], "tcp")
        laboratory.caller("uac_no_answer", proxy.port, target, protocol="tcp").finish()


def test_calls_side_by_side_do_not_mix(laboratory: Laboratory) -> None:
    """Each call lasts as long as all the others, so that their messages interleave."""
    proxy = laboratory.proxy()
    callee = laboratory.callee("uas_call", calls=100)
    load = {"calls": 100, "rate": 200, "extra": ["-d", "700"]}
    result = laboratory.caller("uac_call", proxy.port, uri(callee.port, "udp"), **load).finish()
    callee.finish()
    assert result.successful == 100
    assert result.retransmissions == 0

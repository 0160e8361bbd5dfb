"""How the server ends, and what survives when it is killed."""

from __future__ import annotations

import re
import signal
import socket

import pytest

from tests.interop.laboratory import Laboratory
from tests.interop.process import free_port, until
from tests.interop.server import DatagramPhone


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_at_once(laboratory: Laboratory, number: signal.Signals) -> None:
    server = laboratory.server()
    assert server.terminate(number, deadline=5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_with_calls_in_progress_ends_within_five_seconds(
    laboratory: Laboratory, number: signal.Signals
) -> None:
    server = laboratory.server(location=f"sqlite:{laboratory.folder / 'locations.db'}")
    target = f"sip:alice@127.0.0.1:{server.port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        laboratory.register(server.port, target, silent.getsockname()[1])
        caller = laboratory.caller("uac_no_answer", server.port, target, calls=20, rate=200)
        until(lambda: len(caller.received("SIP/2.0 100")) == 20, 10, "20 calls in progress")
        assert server.statistics()["transactions"] >= 40, "each call is two transactions"
        assert server.terminate(number, deadline=5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_server_at_once(laboratory: Laboratory, number: signal.Signals) -> None:
    server = laboratory.server()
    target = f"sip:alice@127.0.0.1:{server.port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        laboratory.register(server.port, target, silent.getsockname()[1])
        laboratory.caller("uac_no_answer", server.port, target, calls=1, rate=1)
        until(lambda: server.statistics()["contexts"] == 1, 10, "a call in progress")
        server.signal(number)
        until(lambda: server.events("draining") or None, 2, "the server to wait for its end")
        assert server.terminate(number, deadline=2) == 0, "a call in progress would take three seconds"
    assert [event["signal"] for event in server.events("ending at once")] == [number.name]


def test_no_port_stays_taken(laboratory: Laboratory) -> None:
    port = free_port()
    for _ in range(2):
        server = laboratory.server(port=port)
        with socket.create_connection(("127.0.0.1", port)):  # an open connection is no reason to wait
            assert server.terminate() == 0


def test_a_port_in_use_is_said_in_one_sentence(laboratory: Laboratory) -> None:
    first = laboratory.server()
    second = laboratory.server(port=first.port, ready=False)
    assert second.wait(20) != 0
    assert f"127.0.0.1:{first.port}" in second.tail()
    assert "Traceback" not in second.tail(1000)
    assert first.exit_code is None


def test_every_acknowledged_binding_survives_kill_9(laboratory: Laboratory) -> None:
    location = f"sqlite:{laboratory.folder / 'locations.db'}"
    server = laboratory.server(location=location)
    callee = laboratory.callee("uas_call")
    keys: dict[str, str | int] = {"domain": f"127.0.0.1:{server.port}", "contact_port": callee.port}
    phones = laboratory.callee("uac_register_many", remote=server.port, calls=5000, rate=1000, keys=keys)

    def acknowledged() -> set[str]:
        """The users that got a 200; some get it twice, for a retransmission."""
        answers = {answer.header("To")[0] for answer in phones.received("SIP/2.0 200")}
        return {match[1] for text in answers if (match := re.search(r"sip:(\w+)@", text))}

    until(lambda: len(acknowledged()) > 300, 30, "300 registrations")
    server.kill()  # while more of them are on their way
    phones.kill()
    users = acknowledged()

    restarted = laboratory.server(location=location, port=server.port)
    asking = DatagramPhone(restarted.port)
    lost = []
    for user in sorted(users):
        answer = asking.ask("REGISTER", f"sip:{user}@127.0.0.1:{restarted.port}", copies=10)
        if answer is None or f"<sip:{user}@127.0.0.1:{callee.port}>" not in answer:
            lost.append((user, answer))
    asking.close()
    assert not lost

    laboratory.caller("uac_call", restarted.port, f"sip:{min(users)}@127.0.0.1:{restarted.port}").finish()
    callee.finish()


def test_a_signal_has_the_statistics_told_at_any_level(laboratory: Laboratory) -> None:
    server = laboratory.server(log_level="error")
    assert server.statistics()["connections"] == 0
    assert server.events("started") == []


def test_two_servers_do_not_share_a_database(laboratory: Laboratory) -> None:
    location = f"sqlite:{laboratory.folder / 'locations.db'}"
    laboratory.server(location=location)
    second = laboratory.server(location=location, ready=False)
    assert second.wait(20) != 0
    assert "locations.db" in second.tail()
    assert "Traceback" not in second.tail(1000)

"""The commands and the players of the written tests, run in this process against servers that answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipfsm.cli.commands import dispatch
from sipfsm.fuzz.artifacts.standalone import Play, Unplayed
from sipfsm.fuzz.catalogue.messages import ack_of_success, bye, invite, register
from tests.interop.faulty import FaultyServer
from tests.interop.laboratory import Laboratory

T1 = "0.1"


@pytest.mark.slow
def test_conformance_prints_writes_and_says_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FaultyServer(tmp_path, "hops-kept", t1=float(T1)) as server:
        target = f"sip:127.0.0.1:{server.port}"
        options = ["--t1", T1, "--case", "forwarding", "--artifacts", str(tmp_path / "found")]
        assert dispatch(["conformance", target, *options, "--report", str(tmp_path / "report.md")]) == 1
        printed = capsys.readouterr().out
        assert "forwarding                   deviates (MUST)" in printed
        assert "Max-Forwards is one less, but Max-Forwards is 70 after 70" in printed
        assert "was judged as registrar and proxy" in printed
        assert (tmp_path / "found/forwarded_hops_forwarding.pcap").exists()
        assert "forwarded_hops_forwarding.pcap" in (tmp_path / "report.md").read_text()
        assert dispatch(["conformance", target, "--t1", T1, "--case", "request-again-completed"]) == 1


@pytest.mark.slow
def test_fuzz_prints_its_seed_and_what_it_saw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FaultyServer(tmp_path, t1=float(T1)) as server:
        options = ["--t1", T1, "--examples", "5", "--seed", "3", "--rate", "300"]
        code = dispatch(["fuzz", f"sip:127.0.0.1:{server.port}", *options])
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert printed.startswith("seed 3\n")
    assert "by 5 sequences" in printed
    assert "slowest first answer" in printed


def call(play: Play) -> None:
    """A whole call, with the callee registered first."""
    play.send("callee", register(who="callee", contact="<{callee_uri}>"))
    play.receive("callee", ("REGISTER", (200, 299), (("Contact", "callee@"),), (), ""))
    play.send("caller", invite())
    play.receive("callee", ("INVITE", None, (), (), ""))
    play.answer("callee", "INVITE", 180, "Ringing", tag="{tag}x", fields=("X-Own: {tag}",))
    play.receive("caller", ("INVITE", (180, 180), (("X-Own", "{tag}"),), (), ""))
    play.answer("callee", "INVITE", 200, "OK", tag="{tag}x")
    play.receive("caller", ("INVITE", (200, 299), (), (), ""))
    play.send("caller", ack_of_success())
    play.receive("callee", ("ACK", None, (), (), ""))
    play.send("caller", bye())
    play.receive("callee", ("BYE", None, (), (), ""))
    play.answer("callee", "BYE", 200, "OK", tag="{tag}x")
    play.receive("caller", ("BYE", (200, 200), (), (), ""))


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_the_players_of_a_written_test_set_up_a_call(laboratory: Laboratory, protocol: str) -> None:
    server = laboratory.server()
    words = {"aor": "sip:{user}@{target}"}
    play = Play("127.0.0.1", server.port, protocol, ("caller", "callee"), words)
    try:
        call(play)
        play.pause(0.01)
        assert play.count("caller", ("INVITE", (200, 299), (), (), ""), after=2, within=0.1) == 1
        assert play.count("callee", ("INVITE", None, (), ("X-None",), "INVITE"), after=2, within=0.1) == 1
        play.answer("callee", "SUBSCRIBE", 200, "OK", tag="x")
        play.receive("caller", ("", None, (), (), ""), within=0.01, optional=True)
        with pytest.raises(Unplayed):
            play.receive("caller", ("MESSAGE", None, (), (), ""), within=0.01)
    finally:
        play.close()

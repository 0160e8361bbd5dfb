"""The commands: what they print, where to, and their exit codes."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sipfsm import __version__
from sipfsm.cli import main
from sipfsm.config import ListenAddress, Settings, served_domains


class _ServerError(Exception):
    """Stands for the error of the same name."""


class _Server:
    """Stands for `sipfsm.server`: notes the settings, announces itself, and ends as it is told to."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.failure: BaseException | None = None
        self.listeners: list[ListenAddress] | None = None

    async def serve(self, settings: Settings, *, on_started: Callable[[Any], None]) -> None:
        self.settings = settings
        if self.failure is not None:
            raise self.failure
        listeners = self.listeners or settings.listen
        domains = served_domains(listeners, settings.domains)
        on_started(SimpleNamespace(listeners=listeners, domains=domains))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> _Server:
    server = _Server()
    module = ModuleType("sipfsm.server")
    module.__dict__.update(serve=server.serve, ServerError=_ServerError)
    monkeypatch.setitem(sys.modules, "sipfsm.server", module)
    return server


def test_the_version_is_printed_without_loading_the_server() -> None:
    program = (
        "import sys; from sipfsm.cli import main; code = main(['--version']);"
        "print(sorted({'trio', 'cyclopts', 'pydantic', 'sqlalchemy'} & set(sys.modules)), code)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [f"sipfsm {__version__}", "[] 0"]


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sipfsm", "--version"], capture_output=True, text=True, check=True
    )

    assert done.stdout == f"sipfsm {__version__}\n"


COMMANDS = ("check", "conformance", "draw", "fuzz", "run", "simulate", "verify")


@pytest.mark.parametrize("arguments", [[], ["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_teaches_with_examples(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0

    out, err = capsys.readouterr()
    assert "Usage: sipfsm" in out
    shown = set(re.findall(r"^  sipfsm ([a-z]+)", out.partition("Examples:")[2], re.MULTILINE))
    assert shown == ({arguments[0]} if arguments[1:] else set(COMMANDS))
    assert ("SIPFSM_LOG_LEVEL" in out) == (arguments[:1] in [[], ["--help"], ["run"], ["check"]])
    assert max(map(len, out.splitlines())) <= 80
    assert err == ""


def test_help_has_a_sentence_on_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])

    commands = capsys.readouterr().out.partition("Commands")[2].partition("--help")[0]
    for name in COMMANDS:
        assert re.search(rf"{name} +[A-Z][a-z]+ \w+", commands), name


def test_help_of_run_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "--help"])

    out = capsys.readouterr().out
    for option in [
        "--listen", "--domain", "--no-auth", "--location",
        "--next-hop", "--t1", "--log-level", "--log-format",
    ]:  # fmt: skip
        assert option in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["rum"], "sipfsm: Unknown command"),
        (["run", "--liste", "x"], "sipfsm: Unknown option: --liste. Did you mean --listen?"),
        (["run", "--listen"], "sipfsm: "),
        (["run", "a.toml", "b.toml"], "sipfsm: There is no place for b.toml here.\nTry: sipfsm run --help\n"),
        (["check"], "sipfsm: "),
        (["run", "none.toml"], "none.toml: cannot be read: No such file or directory"),
        (["run", "--t1", "soon"], 'command line: --t1 = "soon": should be a valid number'),
        (
            ["run", "--listen", "udp:0.0.0.0:5060"],
            'command line: --listen = ["udp:0.0.0.0:5060"]: udp:0.0.0.0',
        ),
        (["run", "--next-hop", "gateway"], 'command line: --next-hop = "gateway": this is no SIP URI'),
        (["run", "--log-level", "loud"], 'command line: --log-level = "loud": should be '),
    ],
)
def test_what_a_person_did_wrong_is_told_on_standard_error_with_exit_code_2(
    arguments: list[str], line: str, server: _Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2

    out, err = capsys.readouterr()
    assert err.startswith(line)
    assert "Traceback" not in err
    assert out == ""
    assert server.settings is None


def test_every_option_of_run_reaches_the_settings(server: _Server, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('t4 = 4\nlog_level = "error"\ndomains = ["example.com"]')

    code = main(
        [
            "run", str(file), "--listen", "udp:0.0.0.0:5070", "--listen", "tcp:[::1]:5070",
            "--domain", "example.org", "--domain", "example.net", "--no-auth", "--location", "memory",
            "--next-hop", "sip:192.0.2.1;lr", "--t1", "0.25",
            "--log-level", "WARNING", "--log-format", "json",
        ]
    )  # fmt: skip

    assert code == 0
    assert server.settings == Settings(
        listen=["udp:0.0.0.0:5070", "tcp:[::1]:5070"],
        domains=["example.com", "example.org", "example.net"],
        no_auth=True,
        location="memory",
        next_hop="sip:192.0.2.1;lr",
        t1=0.25,
        t4=4,
        log_level="warning",
        log_format="json",
    )


def test_run_prints_what_a_phone_needs(server: _Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.listeners = [ListenAddress("UDP", "127.0.0.1", 49152), ListenAddress("TCP", "127.0.0.1", 49152)]

    assert (
        main(["run", "--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0", "--location", "memory"])
        == 0
    )

    assert capsys.readouterr().out.splitlines() == [
        f"sipfsm {__version__} is running; Ctrl-C ends it.",
        "Listening: udp:127.0.0.1:49152, tcp:127.0.0.1:49152",
        "Domains: localhost, 127.0.0.1:49152",
        "Users: any name may register, no password is asked for",
        "Other domains: only for the users above and from 127.0.0.0/8 ::1/128",
        "Registrations: in memory, until the server ends",
        "Phone: address sip:alice@127.0.0.1:49152, server 127.0.0.1:49152 over UDP or TCP, no password",
    ]


def test_a_server_that_cannot_start_is_told_in_a_sentence(
    server: _Server, capsys: pytest.CaptureFixture[str]
) -> None:
    failures: list[BaseException] = [
        _ServerError("the port is taken"),
        ExceptionGroup("outer", [ExceptionGroup("inner", [_ServerError("the port is taken")])]),
    ]
    for failure in failures:
        server.failure = failure

        assert main(["run"]) == 1

        out, err = capsys.readouterr()
        assert err == "sipfsm: the port is taken\n"
        assert out == ""


def test_ctrl_c_before_the_server_is_up_is_no_traceback(
    server: _Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.failure = KeyboardInterrupt()

    assert main(["run"]) == 130
    assert capsys.readouterr().err == ""


class _InterruptedLoading:
    """Has a Ctrl-C come while the commands are loaded."""

    def __init__(self, interruption: BaseException) -> None:
        self.interruption = interruption

    def find_spec(self, name: str, _path: object, _target: object = None) -> None:
        if name == "sipfsm.cli.commands":
            raise self.interruption


@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt(), BaseExceptionGroup("of tasks", [KeyboardInterrupt()])]
)
def test_ctrl_c_at_any_time_is_no_traceback(
    interruption: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "sipfsm.cli.commands", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_InterruptedLoading(interruption), *sys.meta_path])

    assert main(["check", "site.toml"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "arguments", [["check", "--json"], ["draw", "branch", "--format", "json"], ["--version"]]
)
def test_a_reader_that_has_gone_away_is_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    if arguments[0] == "check":
        file = tmp_path / "site.toml"
        file.touch()
        arguments = [*arguments, str(file)]
    command = [sys.executable, "-m", "sipfsm", *arguments]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # long before anything is printed
        assert process.stderr.read() == ""

    assert process.returncode == 141


def test_a_bug_is_not_hidden(server: _Server) -> None:
    server.failure = ExceptionGroup("outer", [ZeroDivisionError("a bug")])

    with pytest.raises(ExceptionGroup):
        main(["run"])


def test_check_says_what_the_server_would_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.toml"
    file.write_text(
        'listen = ["udp:0.0.0.0:5060"]\nno_auth = true\ndomains = ["example.org"]\nusers = ["bob", "carol"]\n'
        'next_hop = "sip:192.0.2.1;lr"\ntrusted = []\nlocation = "sqlite:bindings.db"'
    )

    assert main(["check", str(file)]) == 0

    assert capsys.readouterr().out.splitlines() == [
        f"{file} is in order. With it, sipfsm run would do this:",
        "Listening: udp:0.0.0.0:5060",
        "Domains: localhost, 127.0.0.1:5060, example.org",
        "Users: bob carol, no password is asked for",
        "Other domains: only for the users above, by way of sip:192.0.2.1;lr",
        f"Registrations: {tmp_path}/bindings.db",
        "Phone: address sip:bob@example.org, server <address of this machine>:5060 over UDP, no password",
    ]


def test_check_prints_every_setting_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.toml"
    file.write_text("t1 = 0.25\nusers = []")

    assert main(["check", str(file), "--json"]) == 0

    plan = json.loads(capsys.readouterr().out)
    assert set(plan) == {*Settings.model_fields, "notices"}
    assert plan["t1"] == 0.25
    assert plan["users"] == []
    assert plan["domains"] == ["localhost", "127.0.0.1:5060", "[::1]:5060"]
    assert plan["listen"][0] == "udp:127.0.0.1:5060"
    assert plan["trusted"] == ["127.0.0.0/8", "::1/128"]

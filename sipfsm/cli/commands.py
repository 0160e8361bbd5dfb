"""The commands, their options and their help."""

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import trio
from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from sipfsm import __version__
from sipfsm.cli.report import print_report
from sipfsm.cli.simulate import simulate
from sipfsm.config import ConfigError, ListenAddress, Settings, load_settings, served_domains
from sipfsm.logs import configure_logging

if TYPE_CHECKING:
    from sipfsm.server import ServerInfo

_EXAMPLES = {
    "run": """\
  sipfsm run
      For phones on this machine: 127.0.0.1 and [::1], port 5060, UDP and TCP.

  sipfsm run --listen udp:192.0.2.1:5060 --domain example.org --no-auth
      For a network in which everybody may register as anybody.

  sipfsm run --location memory --next-hop "sip:gateway.example.org;lr"
      Forget registrations at the end; pass on what is for other domains.
""",
    "check": """\
  sipfsm check site.toml
      Say what is wrong with a configuration, or what it makes the server do.
""",
    "draw": """\
  sipfsm draw invite-server --output pictures
      Draw a state machine; without a name, all of them.
""",
    "verify": """\
  sipfsm verify my-machine.toml
      Check a state machine, alone and in every order of events.
""",
    "conformance": """\
  sipfsm conformance sip:127.0.0.1:5060
      Say where a SIP server keeps to the RFCs, and where it does not.
""",
    "fuzz": """\
  sipfsm fuzz "sip:127.0.0.1:5060;transport=tcp" --seconds 60 --artifacts found
      Look for more with generated sequences; keep what shows each deviation.
""",
    "simulate": """\
  sipfsm simulate --users 200 --hours 2 --seed 7
      Hours of calls over a bad network in a minute, each of them judged.
""",
}

_SETTINGS = """
A setting has one name in the file (log_level = "debug"), in the environment
(SIPFSM_LOG_LEVEL=debug) and, if it is an option, on the command line
(--log-level debug). The command line wins over the environment, and that
over the file.
"""


def _examples(*names: str) -> str:
    """Write the examples of some commands; what they say of settings is for those that read them."""
    settings = _SETTINGS if {"run", "check"}.intersection(names) else ""
    return "Examples:\n\n" + "\n".join(_EXAMPLES[name] for name in names) + settings


app = App(
    name="sipfsm",
    help="A SIP proxy and registrar whose protocol logic is a set of state machines.",
    help_epilogue=_examples(*_EXAMPLES),
    help_format="plaintext",
    version=f"sipfsm {__version__}",
    default_parameter=Parameter(negative=(), show_default=False),
)


# Loaded when it is asked for: what it needs takes longer to load than a server needs to start.
app.command(
    "sipfsm.cli.judging:conformance",
    name="conformance",
    help_epilogue=_examples("conformance"),
    usage="Usage: sipfsm conformance [OPTIONS] TARGET",
    help=(
        "Judge a SIP server by a catalogue of cases. "
        "Exit codes: 0 conformant, 1 deviations, 2 usage, 3 the server was lost."
    ),
)
app.command(
    "sipfsm.cli.verify:verify",
    name="verify",
    help_epilogue=_examples("verify"),
    usage="Usage: sipfsm verify [OPTIONS] [MODEL...]",
    help="Check state machines alone, and client, network and server together in every order of events.",
)
app.command(
    "sipfsm.cli.draw:draw",
    name="draw",
    help_epilogue=_examples("draw"),
    usage="Usage: sipfsm draw [OPTIONS] [MODEL...]",
    help="Draw state machines: as pictures, or in the formats of other programs.",
)
app.command(
    "sipfsm.cli.judging:fuzz",
    name="fuzz",
    help_epilogue=_examples("fuzz"),
    usage="Usage: sipfsm fuzz [OPTIONS] TARGET",
    help=(
        "Judge a SIP server by generated sequences, some of them broken. "
        "Exit codes: 0 conformant, 1 deviations, 2 usage, 3 the server was lost."
    ),
)
app.command(simulate, usage="Usage: sipfsm simulate [OPTIONS]", help_epilogue=_examples("simulate"))


def dispatch(arguments: Sequence[str]) -> int:
    """Run a command and return the exit code; what a person did wrong is told without a traceback."""
    try:
        code: int | None = app(
            list(arguments), exit_on_error=False, print_error=False, result_action="return_value"
        )
    except CycloptsError as error:
        command = " ".join(["sipfsm", *(error.command_chain or ())])
        _complain([f"sipfsm: {_sentence(error)}", f"Try: {command} --help"])
        return 2
    except ConfigError as error:
        _complain(error.problems)
        return 2
    return code or 0


def _sentence(error: CycloptsError) -> str:
    if isinstance(error, UnusedCliTokensError):
        return f"There is no place for {' '.join(error.unused_tokens or ())} here."
    return " ".join(str(error).split())


def _complain(lines: Sequence[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)


@app.command(usage="Usage: sipfsm run [OPTIONS] [CONFIG.toml]", help_epilogue=_examples("run"))
def run(
    config: Annotated[Path | None, Parameter(metavar="CONFIG.toml")] = None,
    /,
    *,
    listen: Annotated[list[str] | None, Parameter(metavar="udp|tcp:ADDRESS:PORT")] = None,
    domain: Annotated[list[str] | None, Parameter(metavar="NAME")] = None,
    no_auth: bool = False,
    location: Annotated[str | None, Parameter(metavar="memory|sqlite:PATH")] = None,
    next_hop: Annotated[str | None, Parameter(metavar="SIP-URI")] = None,
    t1: Annotated[str | None, Parameter(metavar="SECONDS")] = None,
    log_level: Annotated[str | None, Parameter(metavar="debug|info|warning|error")] = None,
    log_format: Annotated[str | None, Parameter(metavar="console|json")] = None,
) -> int:
    """Start the server; Ctrl-C or SIGTERM ends it.

    Args:
        config: The configuration file; every setting has a default.
        listen: An address to listen on; may be repeated. Default: port 5060 on loopback, UDP and TCP.
        domain: A domain to serve, besides those of the file; may be repeated.
        no_auth: Let other machines use the server although it asks for no passwords.
        location: Where registrations are kept. Default: a file in your state folder.
        next_hop: The server that gets what is for other domains.
        t1: Estimate of the round-trip time; the base of all timers. Default: 0.5.
        log_level: The least severe events that are logged. Default: info.
        log_format: For people or for programs. Default: console.
    """
    # All values go to the settings as text, so that file, environment and command line have the same rules.
    given: dict[str, Any] = {
        "listen": listen,
        "domains": domain,
        "no_auth": no_auth or None,
        "location": location,
        "next_hop": next_hop,
        "t1": t1,
        "log_level": log_level,
        "log_format": log_format,
    }
    settings = load_settings(config, {key: value for key, value in given.items() if value is not None})
    configure_logging(settings.log_level, settings.log_format)
    return _serve(settings)


@app.command(usage="Usage: sipfsm check [--json] CONFIG.toml", help_epilogue=_examples("check"))
def check(
    config: Annotated[Path, Parameter(metavar="CONFIG.toml")],
    /,
    *,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Read a configuration and say what the server would do with it.

    Args:
        config: The configuration file.
        as_json: Print every setting, defaults included, as one JSON object.
    """
    settings = load_settings(config)
    domains = served_domains(settings.listen, settings.domains)
    if as_json:
        plan = settings.model_dump(mode="json") | {"domains": domains, "notices": settings.notices}
        print(json.dumps(plan, indent=2))
    else:
        title = f"{config} is in order. With it, sipfsm run would do this:"
        print_report(title, settings, settings.listen, domains)
    return 0


def _serve(settings: Settings) -> int:
    """Run the server until it is told to end."""
    from sipfsm.server import ServerError, serve  # noqa: PLC0415 - takes longer to load than check needs

    code = 0
    try:
        trio.run(partial(serve, settings, on_started=partial(_announce, settings)))
    except* ServerError as group:
        code = 1
        _complain([f"sipfsm: {error}" for error in _leaves(group)])
    except* KeyboardInterrupt:  # before the server was ready to end in order
        code = 130
    return code


def _announce(settings: Settings, info: "ServerInfo") -> None:
    """Tell a person what they need to point a phone at the server that has just started."""
    listening = [ListenAddress(each.protocol, each.host, each.port) for each in info.listeners]
    print_report(f"sipfsm {__version__} is running; Ctrl-C ends it.", settings, listening, info.domains)


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found

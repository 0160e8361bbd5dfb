"""What the server does or would do, in the words of the person who runs it."""

import contextlib
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sipfsm.config import ListenAddress, Settings
from sipfsm.config.settings import DEFAULT_PORT

_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def print_report(
    title: str, settings: Settings, listen: Sequence[ListenAddress], domains: Sequence[str]
) -> None:
    """Print a title and a few named lines to standard output: as a table on a terminal, else one line each.

    Args:
        title: a sentence.
        settings: the configuration.
        listen: the addresses in question: those bound, or those that would be.
        domains: the domains that are served.
    """
    rows = _rows(settings, listen, domains)
    # A reader that has gone away is no reason to stop a server.
    with contextlib.suppress(OSError):
        if sys.stdout.isatty():
            _print_table(title, rows, settings.notices)
        else:
            lines = [title, *(f"{label}: {', '.join(values)}" for label, values in rows), *settings.notices]
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()


def _print_table(title: str, rows: list[tuple[str, list[str]]], notices: list[str]) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for label, values in rows:
        table.add_row(f"  {label}", Text("\n".join(values)))
    console = Console()
    console.print(Text(title, style="bold"))
    console.print(table)
    for notice in notices:
        console.print(Text(notice, style="yellow"))


def _rows(
    settings: Settings, listen: Sequence[ListenAddress], domains: Sequence[str]
) -> list[tuple[str, list[str]]]:
    """Return labels with one or several values."""
    kind, _, path = settings.location.partition(":")
    return [
        ("Listening", [str(address) for address in listen]),
        ("Domains", list(domains)),
        ("Users", [*_users(settings), "no password is asked for"]),
        ("Other domains", _other_domains(settings)),
        ("Registrations", ["in memory, until the server ends"] if kind == "memory" else [path]),
        ("Phone", _phone(settings, listen)),
    ]


def _users(settings: Settings) -> list[str]:
    if settings.users is None:
        return ["any name may register"]
    return [" ".join(settings.users) or "nobody may register"]


def _other_domains(settings: Settings) -> list[str]:
    sources = " ".join(map(str, settings.trusted))
    lines = [f"only for the users above and from {sources}" if sources else "only for the users above"]
    if settings.next_hop is not None:
        lines.append(f"by way of {settings.next_hop}")
    return lines


def _phone(settings: Settings, listen: Sequence[ListenAddress]) -> list[str]:
    """Say how to fill in the account of a phone."""
    # Addresses that other machines reach first: that is what phones are pointed at.
    first = min(listen, key=lambda address: address.is_loopback)
    protocols = [each.protocol for each in listen if (each.host, each.port) == (first.host, first.port)]
    server = first.host_port
    if first.host in _WILDCARDS:
        server = f"<address of this machine>:{first.port}"
    user = settings.users[0].partition("@")[0] if settings.users else "alice"
    domain = settings.domains[0] if settings.domains else server.removesuffix(f":{DEFAULT_PORT}")
    return [f"address sip:{user}@{domain}", f"server {server} over {' or '.join(protocols)}", "no password"]

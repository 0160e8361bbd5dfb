"""The command line: ``sipfsm run``, ``sipfsm check``, ``sipfsm --version``.

Exit codes: 0 after an orderly end, 1 when the server could not start or had to give up, 2 when the command
line or the configuration is at fault, 130 after Ctrl-C, 141 when nobody reads what is printed. What was asked
for goes to standard output, logs and errors to standard error.
"""

import os
import sys
from collections.abc import Sequence

from sipfsm import __version__

INTERRUPTED, UNREAD = 130, 141
"""Exit codes, as a shell gives them to programs that SIGINT and SIGPIPE have ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, and return the exit code.

    Args:
        arguments: without the program's name; None is those of this process.
    """
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except* KeyboardInterrupt:  # also one that reached a task of Trio, and comes in a group
        code = INTERRUPTED
    except* BrokenPipeError:
        # What is still buffered has no reader either, and Python would complain of it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = UNREAD
    return code


def _run(arguments: Sequence[str]) -> int:
    if list(arguments) == ["--version"]:
        # Scripts ask for it often, and what follows takes a fifth of a second to load.
        print(f"sipfsm {__version__}", flush=True)
        return 0
    from sipfsm.cli.commands import dispatch  # noqa: PLC0415 - see above

    code = dispatch(arguments)
    print(end="", flush=True)
    return code

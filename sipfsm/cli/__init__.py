"""The command line: ``sipfsm run``, ``sipfsm check``, ``sipfsm --version``.

Exit codes: 0 after an orderly end, 1 when the server could not start or had to give up, 2 when the command
line or the configuration is at fault. What was asked for goes to standard output, logs and errors to standard
error.
"""

import sys
from collections.abc import Sequence

from sipfsm import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, and return the exit code.

    Args:
        arguments: without the program's name; None is those of this process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if list(arguments) == ["--version"]:
        # Scripts ask for it often, and what follows takes a fifth of a second to load.
        sys.stdout.write(f"sipfsm {__version__}\n")
        return 0
    from sipfsm.cli.commands import dispatch  # noqa: PLC0415 - see above

    return dispatch(arguments)

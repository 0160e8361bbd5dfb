"""The secret that tokens are made with, kept in a file so that dialogs outlive a restart of the server."""

import os
import re
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

SECRET_BYTES = 32
"""Length of a secret: as many as nobody can guess."""

_HEX = re.compile(rb"[0-9a-f]{%d}\n\Z" % (2 * SECRET_BYTES))


class SecretError(Exception):
    """The file of the secret cannot be used; the text says what to do."""


def kept_secret(path: Path, token_bytes: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """Give the secret of a file; if there is no such file, make one that only this user can read.

    Args:
        path: the file, in a folder that exists.
        token_bytes: gives so many bytes that nobody can guess.

    Raises:
        SecretError: it cannot be read or written, or holds something else.
    """
    try:
        if not path.exists():
            _write(path, token_bytes(SECRET_BYTES))
        text = path.read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        raise SecretError(
            f"the secret file {path} cannot be used ({why}): it has to be a file that this program may write"
        ) from error
    if not _HEX.match(text):
        raise SecretError(f"{path} is damaged or holds something else than a secret: move it away")
    return bytes.fromhex(text.decode("ascii"))


def _write(path: Path, secret: bytes) -> None:
    """Write a file that is there whole or not at all; mkstemp makes it with mode 0600."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret.hex().encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

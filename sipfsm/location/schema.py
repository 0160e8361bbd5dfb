"""The tables of the location service in a database, and how bindings are written into rows."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from sipfsm.location.binding import Binding

VERSION = 1
"""Version of the tables below; a change of them that older programs cannot read adds one."""


class Octets(sa.types.TypeDecorator[bytes]):
    """Bytes from the network: text where they are UTF-8, so that people can read the rows, else a blob."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: sa.Dialect) -> Any:
        """Turn bytes into what SQLite stores."""
        if value is None:
            return None
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> bytes | None:
        """Turn what SQLite stored into bytes again; a text column holds no numbers."""
        return value.encode() if isinstance(value, str) else value


METADATA = sa.MetaData()

META = sa.Table(
    "meta",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)
"""One row so far: the version of the schema."""

SCHEMA_ROW = "sipfsm location schema"
"""Name of the row in `META`; its presence also tells that the file is ours."""

BINDING = sa.Table(
    "binding",
    METADATA,
    sa.Column("aor", Octets, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("contact", Octets, nullable=False),
    sa.Column("q", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("call_id", Octets, nullable=False),
    sa.Column("cseq", sa.Integer, nullable=False),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("params", Octets, nullable=False),
    sa.Column("received", Octets, nullable=True),
    # The rows of an address-of-record lie side by side, and one search finds them.
    sqlite_with_rowid=False,
)
"""One row a binding; `position` counts from 0, highest q first; `path` is a JSON array."""


def to_rows(aor: str, bindings: Iterable[Binding]) -> list[dict[str, Any]]:
    """Write the bindings of one address-of-record as rows of `BINDING`."""
    return [
        {
            "aor": _octets(aor),
            "position": position,
            "contact": binding.contact,
            "q": binding.q,
            "expires_at": binding.expires_at,
            "call_id": _octets(binding.call_id),
            "cseq": binding.cseq,
            "path": json.dumps([_text(value) for value in binding.path]),
            "params": binding.params,
            "received": None if binding.received is None else _octets(binding.received),
        }
        for position, binding in enumerate(bindings)
    ]


def from_row(row: Mapping[str, Any]) -> tuple[str, Binding]:
    """Read one row of `BINDING`.

    Raises:
        ValueError: the row holds values that this program would not have written.
        TypeError: the same.
    """
    path = json.loads(row["path"])
    if not isinstance(path, list) or not all(isinstance(value, str) for value in path):
        raise ValueError("path is not an array of strings")
    return _text(row["aor"]), Binding(
        contact=row["contact"],
        q=float(row["q"]),
        expires_at=float(row["expires_at"]),
        call_id=_text(row["call_id"]),
        cseq=int(row["cseq"]),
        path=tuple(_octets(value) for value in path),
        params=row["params"],
        received=None if row["received"] is None else _text(row["received"]),
    )


def key(aor: str) -> bytes:
    """Give what the column `aor` holds for an address-of-record."""
    return _octets(aor)


def _octets(text: str) -> bytes:
    # Text from messages carries undecodable bytes as lone surrogates; databases refuse those.
    return text.encode("utf-8", "surrogateescape")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")

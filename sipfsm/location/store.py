"""Bindings in an SQLite file: open it for one server alone, load it, commit to it.

Nothing here knows Trio. Every call blocks, and must not overlap with another one.
"""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from sipfsm.location.binding import Binding, live_ordered
from sipfsm.location.schema import BINDING, META, METADATA, SCHEMA_ROW, VERSION, from_row, key, to_rows
from sipfsm.location.service import LocationError, LocationReason

_PRAGMAS = (
    # The lock of the first access is kept until close, so that no second server can open the file. It has to
    # come before WAL, which then needs no memory shared with other processes.
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    # Each commit is on the disk before it returns: a 200 (OK) must be true after a power failure too.
    "PRAGMA synchronous = FULL",
)


class SqliteStore:
    """The file of one location service. Make it, `open` it, use it, `close` it.

    Args:
        path: the file; it and its folder are created when they do not exist, for this user alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)),
            poolclass=sa.pool.StaticPool,  # one connection, for whichever worker thread comes
            # isolation_level None: sqlite3 begins no transaction of its own, `_begin` does. timeout: do not
            # wait for a lock that another server will not give back.
            connect_args={"check_same_thread": False, "timeout": 0, "isolation_level": None},
        )
        sa.event.listen(self._engine, "connect", _set_pragmas)
        sa.event.listen(self._engine, "begin", _begin)

    def open(self, now: float) -> dict[str, tuple[Binding, ...]]:
        """Lock the file, create or check its tables, and give the bindings that end after `now` (unix time).

        Raises:
            LocationError: another server has the file, it cannot be opened, or it is not one of ours.
        """
        try:
            self._create_private()
            with self._engine.begin() as connection:
                self._prepare(connection)
                connection.execute(sa.delete(BINDING).where(BINDING.c.expires_at <= now))
                return self._load(connection, now)
        except SQLAlchemyError as error:
            raise self._opening_failure(error) from error
        except OSError as error:
            raise self._cannot_open(error.strerror or str(error)) from error

    def write(self, changes: Mapping[str, tuple[Binding, ...]]) -> None:
        """Replace all bindings of the addresses-of-record in `changes`, in one transaction, and commit it.

        Raises:
            LocationError: nothing was written: `COMMIT_FAILED` when the database cannot write at present,
                `NOT_STORABLE` when it refused these values.
        """
        rows = [row for aor, bindings in changes.items() for row in to_rows(aor, bindings)]
        try:
            with self._engine.begin() as connection:
                connection.execute(_DELETE_AOR, [{"old_aor": key(aor)} for aor in changes])
                if rows:
                    connection.execute(sa.insert(BINDING), rows)
        except OperationalError as error:
            raise LocationError(
                LocationReason.COMMIT_FAILED,
                f"the location database {self._path} cannot be written: {error.orig}",
            ) from error
        except (SQLAlchemyError, OverflowError, ValueError) as error:
            # sqlite3 raises bare OverflowError and ValueError for values that no column can hold.
            cause = getattr(error, "orig", None) or error
            raise LocationError(
                LocationReason.NOT_STORABLE,
                f"the location database {self._path} refused an update: {cause}",
            ) from error

    def close(self) -> None:
        """Write everything back into the one file and unlock it. Harmless when not open."""
        self._engine.dispose()

    def _create_private(self) -> None:
        # Who is registered from where is nobody else's business. An existing file is never opened here:
        # closing it would release the locks that SQLite holds on it for another location service in here.
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

    def _prepare(self, connection: sa.Connection) -> None:
        names = sa.inspect(connection).get_table_names()
        if not names:
            METADATA.create_all(connection)
            connection.execute(sa.insert(META).values(name=SCHEMA_ROW, value=str(VERSION)))
            return
        version = None
        if {META.name, BINDING.name} <= set(names):
            version = connection.scalar(sa.select(META.c.value).where(META.c.name == SCHEMA_ROW))
        if version is None or not version.isdecimal():
            raise self._not_ours()
        if int(version) > VERSION:
            raise LocationError(
                LocationReason.NEWER_SCHEMA,
                f"the location database {self._path} has version {version} of the tables and this program "
                f"knows up to {VERSION}: run the program that wrote it, or give this one another file",
            )

    def _load(self, connection: sa.Connection, now: float) -> dict[str, tuple[Binding, ...]]:
        loaded: dict[str, list[Binding]] = {}
        try:
            for row in connection.execute(_SELECT_ALL).mappings():
                aor, binding = from_row({str(name): value for name, value in row.items()})
                loaded.setdefault(aor, []).append(binding)
        except (ValueError, TypeError) as error:
            raise self._not_ours() from error
        return {aor: live_ordered(bindings, now) for aor, bindings in loaded.items()}

    def _opening_failure(self, error: SQLAlchemyError) -> LocationError:
        cause = getattr(error, "orig", None)
        # Extended codes such as SQLITE_BUSY_RECOVERY carry more, and say the same.
        name = getattr(cause, "sqlite_errorname", "") or ""
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return LocationError(
                LocationReason.IN_USE,
                f"the location database {self._path} is in use: stop the other server, or give this one "
                "another file",
            )
        if isinstance(cause, sqlite3.OperationalError) and not name.startswith("SQLITE_CORRUPT"):
            return self._cannot_open(str(cause))
        return self._not_ours()

    def _not_ours(self) -> LocationError:
        return LocationError(
            LocationReason.NOT_OURS,
            f"{self._path} is damaged or holds something else than a location database: give another file, "
            "or move this one away",
        )

    def _cannot_open(self, why: str) -> LocationError:
        return LocationError(
            LocationReason.CANNOT_OPEN,
            f"the location database {self._path} cannot be opened ({why}): it has to be a file that this "
            "program may write, in a folder that it may write",
        )


_SELECT_ALL = sa.select(BINDING).order_by(BINDING.c.aor, BINDING.c.position)
_DELETE_AOR = sa.delete(BINDING).where(BINDING.c.aor == sa.bindparam("old_aor"))


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()  # the pool does not know it yet, and would leave it open
        raise


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")

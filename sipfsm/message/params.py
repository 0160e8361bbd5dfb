"""Parameters: the ``;name=value`` pairs behind addresses, Via values and in URIs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from sipfsm.message.errors import MessageError
from sipfsm.message.values import octets

_WS = r"[ \t]*+"
_NAME = r"[A-Za-z0-9\-.!%*_+`'~]++"
# A quoted string, or what the grammar's token and host allow and the other visible ASCII characters that
# separate nothing: `received=2001:db8::1` and base64 are met on the network.
_VALUE = r'(?:"[^"\\]*+(?>(?:\\.[^"\\]*+)*)"|[!#-+\--:=?-~]++)'

# A parameter, or else an octet of what is none.
_PARAM = re.compile(rf"{_WS};{_WS}({_NAME})(?>(?:{_WS}={_WS}({_VALUE}))?){_WS}|(.)", re.DOTALL)

USUAL_PARAMS = r"(?>(?:;([a-z]++)(?>(?:=([A-Za-z0-9\-.!%*_+`'~:\[\]]++))?))?)" * 3
"""Up to three parameters, the name and the value of each captured, as nearly all are written.

That is: names in lower case, tokens or hosts as values, no white space.
"""


class Params:
    """Parameters in the order they came, found without regard to case (:rfc:`3261#section-7.3.1`).

    A value is kept as it was written, a quoted string with its quotes; None is a parameter without a value.
    Immutable, and equal to parameters of the same names, values and order as written.

    Raises:
        MessageError: from the constructor, ``duplicate-parameter``, if a name is there twice
            (:rfc:`3261#section-7.3.1`, :rfc:`3261#section-19.1.1`).
    """

    __slots__ = ("_fields",)

    def __init__(self, items: Iterable[tuple[str, str | None]] = ()) -> None:
        fields: dict[str, tuple[str, str | None]] = {}
        count = 0
        for item in items:
            fields[self._key(item[0])] = item
            count += 1
        if len(fields) != count:
            raise _duplicate()
        self._fields = fields

    @classmethod
    def from_fields(cls, fields: dict[str, tuple[str, str | None]]) -> Self:
        """Take over names as written and values by the names they are found under."""
        params = cls.__new__(cls)
        params._fields = fields
        return params

    @staticmethod
    def _key(name: str) -> str:
        return name.lower()

    def get(self, name: str) -> str | None:
        """Return the value of a parameter; None if it is absent or has none."""
        item = self._fields.get(name)
        if item is None:
            item = self._fields.get(self._key(name))
        return None if item is None else item[1]

    def has(self, name: str) -> bool:
        """Say whether a parameter is there, with or without a value."""
        return name in self._fields or self._key(name) in self._fields

    def items(self) -> Iterator[tuple[str, str | None]]:
        """Return the names as they were written and the values."""
        return iter(self._fields.values())

    def with_(self, name: str, value: str | None) -> Self:
        """Return a copy in which `name` has `value`: at its old place and spelling, or at the end."""
        return self.with_all({name: value})

    def with_all(self, values: Mapping[str, str | None]) -> Self:
        """Return a copy in which each name has its value: at its old place and spelling, or at the end."""
        fields = self._fields.copy()
        for name, value in values.items():
            key = self._key(name)
            old = fields.get(key)
            fields[key] = (old[0] if old else name, value)
        return self.from_fields(fields)

    def without(self, *names: str) -> Self:
        """Return a copy that lacks the parameters so named."""
        keys = {self._key(name) for name in names}
        return self.from_fields({key: item for key, item in self._fields.items() if key not in keys})

    def __str__(self) -> str:
        return "".join(
            [f";{name}" if value is None else f";{name}={value}" for name, value in self._fields.values()]
        )

    def to_bytes(self) -> bytes:
        """Write the parameters, each with its semicolon."""
        return octets(str(self))

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Params):
            return NotImplemented
        return tuple(self.items()) == tuple(other.items())

    def __hash__(self) -> int:
        return hash(tuple(self.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.items())!r})"


NO_PARAMS = Params()


def parse_params_untrusted(raw: str | None) -> Params:
    """Read the parameters of a header field value: what begins with its first semicolon, or None.

    Raises:
        MessageError: ``bad-parameter``, ``duplicate-parameter``.
    """
    if not raw:
        return NO_PARAMS
    fields: dict[str, tuple[str, str | None]] = {}
    for name, value, other in _PARAM.findall(raw):
        if other:
            raise MessageError("bad-parameter", "Malformed parameter", octets(raw))
        key = name.lower()
        if key in fields:
            raise _duplicate()
        fields[key] = (name, value or None)
    return Params.from_fields(fields)


def usual_params(captured: tuple[str | None, ...]) -> Params | None:
    """Return the parameters that `USUAL_PARAMS` captured; None if a name is there twice."""
    first, value, second, second_value, third, third_value = captured
    if first is None:
        return NO_PARAMS
    fields = {first: (first, value)}
    if second is None:
        return Params.from_fields(fields)
    fields[second] = (second, second_value)
    count = 2
    if third is not None:
        fields[third] = (third, third_value)
        count = 3
    return Params.from_fields(fields) if len(fields) == count else None


def _duplicate() -> MessageError:
    return MessageError("duplicate-parameter", "Parameter appears twice")

"""What can be configured: every key with its default, its range and the rules that join several keys."""

import os
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, NoReturn, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sipfsm.config.addresses import (
    ListenAddress,
    has_ipv6_loopback,
    host_of,
    parse_name,
    parse_next_hop,
    parse_user,
)
from sipfsm.fsm.timing import Timing
from sipfsm.message.limits import DEFAULT_LIMITS, Limits
from sipfsm.message.uri import SipUri

DEFAULT_PORT = 5060
"""The port of SIP over UDP and TCP (:rfc:`3261#section-19.1.2`)."""


def _as_list(value: object) -> object:
    """Let one text stand for a list, its items parted by commas: the environment knows no lists."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _no_bool(value: object) -> object:
    """Refuse true and false where a number belongs: pydantic would take them for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError("a number belongs here")  # noqa: TRY004 - pydantic wants a ValueError
    return value


def _read(kind: type | tuple[type, ...], parse: Callable[[str], object]) -> PlainValidator:
    """Make the validator of a value that is written as text and held as `kind`."""

    def validate(value: object) -> object:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, kind):
            return value
        raise ValueError("a text belongs here")

    return PlainValidator(validate)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip().replace("[", "").replace("]", ""))
    except ValueError as error:
        raise ValueError(f"{error}; write for example 192.0.2.0/24, 2001:db8::/32 or one address") from None


def _location(text: str) -> str:
    kind, _, path = text.strip().partition(":")
    if text.strip() == "memory":
        return "memory"
    if kind != "sqlite" or not path:
        raise ValueError("write memory, or sqlite: and the path of a file")
    if path == ":memory:":
        raise ValueError("sqlite keeps its data in a file here; for a store that forgets write memory")
    try:
        return f"sqlite:{Path(path).expanduser().absolute()}"
    except RuntimeError as error:
        raise ValueError(f"{str(error).rstrip('.')}; write the whole path") from None


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_AsText = PlainSerializer(str, return_type=str)
_List = BeforeValidator(_as_list)
_Listen = Annotated[ListenAddress, _read(ListenAddress, ListenAddress.parse), _AsText]
_Location = Annotated[str, _read(str, _location)]
_Name = Annotated[str, _read(str, parse_name)]
_Network = Annotated[IPv4Network | IPv6Network, _read((IPv4Network, IPv6Network), _network), _AsText]
_NextHop = Annotated[SipUri, _read(SipUri, parse_next_hop), _AsText]
_User = Annotated[str, _read(str, parse_user)]
_Seconds = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, allow_inf_nan=False)]
_Count = Annotated[int, BeforeValidator(_no_bool), Field(ge=1)]


def default_location_path() -> Path:
    """Return where bindings are kept if nothing is said: a file in the user's state folder.

    That is ``$XDG_STATE_HOME/sipfsm``, or ``~/.local/state/sipfsm`` where the variable is not set: three
    lines of the XDG base directory specification, for which a library would be one more dependency.

    Raises:
        RuntimeError: the user has no home folder.
    """
    state = Path(os.environ.get("XDG_STATE_HOME") or "")
    if not state.is_absolute():  # the specification has a relative path ignored
        state = Path.home() / ".local" / "state"
    return state / "sipfsm" / "location.db"


def _default_location() -> str:
    return f"sqlite:{default_location_path()}"


def _default_listen() -> tuple[ListenAddress, ...]:
    hosts = ["127.0.0.1", "::1"] if has_ipv6_loopback() else ["127.0.0.1"]
    return tuple(ListenAddress(protocol, host, DEFAULT_PORT) for host in hosts for protocol in ("UDP", "TCP"))


def _refuse(keys: tuple[str, ...], reason: str) -> NoReturn:
    """Say that values do not fit together; the fault is told of the first key that was written."""
    raise PydanticCustomError("settings", "{reason}", {"keys": keys, "reason": reason})


class LimitSettings(BaseModel):
    """Upper bounds, so that strangers cannot make the server grow without end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_message: Annotated[_Count, Field(ge=1300, le=16_777_216)] = DEFAULT_LIMITS.max_message
    """Bytes of one message with its body."""
    max_body: Annotated[_Count, Field(le=16_777_216)] | None = None
    """Bytes of a body; None is as many as `max_message`."""
    max_start_line: Annotated[_Count, Field(ge=256, le=65_535)] = DEFAULT_LIMITS.max_start_line
    """Bytes of a start line; the Request-URI is nearly all of it."""
    max_line: Annotated[_Count, Field(ge=256, le=65_535)] = DEFAULT_LIMITS.max_line
    """Bytes of one header field with its continuation lines."""
    max_fields: Annotated[_Count, Field(ge=20, le=10_000)] = DEFAULT_LIMITS.max_fields
    """Header fields of a message."""
    max_via: Annotated[_Count, Field(le=10_000)] = DEFAULT_LIMITS.max_via
    """Values of Via."""
    max_route: Annotated[_Count, Field(le=10_000)] = DEFAULT_LIMITS.max_route
    """Values of Route, and likewise of Record-Route and of Path."""
    max_values: Annotated[_Count, Field(le=10_000)] = DEFAULT_LIMITS.max_values
    """Values of each other comma list that is read, such as Contact and Require."""
    max_params: Annotated[_Count, Field(le=10_000)] = DEFAULT_LIMITS.max_params
    """Parameters of one value, those of its URI included."""
    message_timeout: _Seconds = 30.0
    """From the first byte of a message on a stream to its last one, in seconds."""
    idle_timeout: _Seconds = 900.0
    """For a stream without a byte in either direction, in seconds."""
    max_connections: _Count = 4096
    """Stream connections in all."""
    max_connections_per_host: _Count = 256
    """Stream connections with one remote IP address."""
    max_transactions: _Count = 200_000
    """Transactions in progress; a call has four for half a minute. Further requests are answered with 503."""
    max_bindings_per_aor: _Count = 10
    """Contacts of one user; a call forks to all of them."""
    max_aors: _Count = 100_000
    """Users that have at least one contact."""


class RegistrarSettings(BaseModel):
    """How long a registration holds, in seconds (:rfc:`3261#section-10.3` step 7)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_expires: _Count = 60
    """A shorter interval that is not 0 is refused with 423 (Interval Too Brief)."""
    default_expires: _Count = 3600
    """Where the request names none."""
    max_expires: Annotated[_Count, Field(le=2**32 - 1)] = 86_400
    """A longer interval is shortened to this."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_expires > 3600:
            # Only an interval below one hour may be called too brief.
            _refuse(("registrar.min_expires",), "must not be above 3600 seconds (RFC 3261 10.3 step 7)")
        if not self.min_expires <= self.default_expires <= self.max_expires:
            _refuse(
                ("registrar.default_expires", "registrar.min_expires", "registrar.max_expires"),
                f"default_expires ({self.default_expires} seconds) must lie between min_expires "
                f"({self.min_expires}) and max_expires ({self.max_expires})",
            )
        return self


class Settings(BaseSettings):
    """A configuration that makes sense as a whole.

    `load_settings` makes one from file, environment and command line. Called directly, it takes what it
    is given and looks at nothing else.

    Raises:
        pydantic.ValidationError: a value is out of range, or the values do not fit together.
    """

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="SIPFSM_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        enable_decoding=False,  # lists come as text with commas, not as JSON
    )

    listen: Annotated[tuple[_Listen, ...], _List] = Field(default_factory=_default_listen, min_length=1)
    """Addresses to listen on, as ``udp:127.0.0.1:5060``."""
    domains: Annotated[tuple[_Name, ...], _List] = ()
    """Domains that are served besides ``localhost`` and the addresses listened on. See `served_domains`."""
    aliases: Annotated[tuple[_Name, ...], _List] = ()
    """Further names of this proxy, as they come in Route and Via: of a load balancer, or an outer address."""
    users: Annotated[tuple[_User, ...], _List] | None = None
    """Who may register: ``alice`` in every domain, ``alice@example.org`` in one; None is anybody."""
    no_auth: bool = False
    """Serve addresses outside this machine without asking anybody for a password."""
    location: _Location = Field(default_factory=_default_location)
    """Where bindings are kept: ``memory``, or ``sqlite:`` and the path of a file."""
    next_hop: _NextHop | None = None
    """The server that gets what is for a foreign domain, in place of that domain."""
    trusted: Annotated[tuple[_Network, ...], _List] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    """Source addresses for which requests to foreign domains are relayed."""
    t1: _Seconds = 0.5
    """T1: estimate of the round-trip time, in seconds (:rfc:`3261#section-17.1.1.1`)."""
    t2: _Seconds = 4.0
    """T2: longest interval between retransmissions, in seconds (:rfc:`3261#section-17.1.2.2`)."""
    t4: _Seconds = 5.0
    """T4: how long a message can remain in the network, in seconds (:rfc:`3261#section-17.1.2.2`)."""
    timer_c: Annotated[_Seconds, Field(gt=180)] = 185.0
    """Timer C: how long a branch may ring, in seconds; above 180 (:rfc:`3261#section-16.6` step 11)."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = "info"
    """The least severe events that are logged."""
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = "console"
    """For people or for programs."""
    limits: LimitSettings = LimitSettings()
    registrar: RegistrarSettings = RegistrarSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Look at nothing but the arguments: `load_settings` merges the sources, so that it can name them."""
        return (init_settings,)

    @model_validator(mode="after")
    def _timers_in_order(self) -> Self:
        if self.t2 < self.t1:
            _refuse(("t2", "t1"), f"t2 ({self.t2:g} seconds) must not be below t1 ({self.t1:g} seconds)")
        return self

    @model_validator(mode="after")
    def _listeners_apart(self) -> Self:
        for address in self.listen:
            if address.port and self.listen.count(address) > 1:
                _refuse(("listen",), f"{address} is named twice")
        return self

    @model_validator(mode="after")
    def _users_at_home(self) -> Self:
        served = {host_of(name) for name in served_domains(self.listen, self.domains)}
        for user in self.users or ():
            _, at, domain = user.partition("@")
            if at and domain not in served:
                _refuse(("users",), f"{domain} of {user} is not among the domains that are served")
        return self

    @model_validator(mode="after")
    def _never_an_open_relay_by_accident(self) -> Self:
        outside = [address for address in self.listen if not address.is_loopback]
        if outside and not self.no_auth:
            _refuse(
                ("listen",),
                f"{outside[0]} can be reached from other machines, and this version asks for no passwords: "
                "anybody there could register as any user. Listen on 127.0.0.1 or [::1], or say --no-auth "
                "(no_auth = true) if you trust everybody who can reach this address",
            )
        return self

    @property
    def timing(self) -> Timing:
        """The base values of all timers."""
        return Timing(t1=self.t1, t2=self.t2, t4=self.t4, timer_c=self.timer_c)

    @property
    def message_limits(self) -> Limits:
        """How large a message may be."""
        limits = self.limits
        return Limits(
            max_message=limits.max_message,
            max_start_line=limits.max_start_line,
            max_line=limits.max_line,
            max_fields=limits.max_fields,
            max_body=limits.max_message if limits.max_body is None else limits.max_body,
            max_via=limits.max_via,
            max_route=limits.max_route,
            max_values=limits.max_values,
            max_params=limits.max_params,
        )

    @property
    def notices(self) -> list[str]:
        """Sentences on what is not as one might expect, although nothing is wrong."""
        notices = []
        if "listen" not in self.model_fields_set and not any(":" in address.host for address in self.listen):
            notices.append("This machine has no IPv6 loopback address, so nothing listens on [::1].")
        return notices


def served_domains(listen: Iterable[ListenAddress], domains: Iterable[str]) -> tuple[str, ...]:
    """Return what the server is responsible for: ``localhost``, each address listened on, and `domains`.

    A wildcard address stands here for the loopback address: which others the machine has is not known. Give
    the addresses that were really bound: a port 0 is left out.
    """
    wildcards = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - replaced, not bound to
    names = ["localhost"]
    for address in listen:
        if address.port:
            host = wildcards.get(address.host, address.host)
            names.append(ListenAddress(address.protocol, host, address.port).host_port)
    return tuple(dict.fromkeys([*names, *domains]))


def known_keys(table: tuple[str, ...] = ()) -> list[str]:
    """Return the keys of a table of the configuration; the empty path is the top level."""
    model: type[BaseModel] = Settings
    for key in table:
        inner = model.model_fields[key].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)
        model = inner
    return list(model.model_fields)

"""The settings: defaults, ranges, and the rules that join several of them."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sipfsm.config import ListenAddress, Settings, default_location_path, served_domains
from sipfsm.config import settings as settings_module


def _settings(**values: Any) -> Settings:
    return Settings(**values)


def _fault(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        _settings(**values)
    (fault,) = caught.value.errors()
    return fault["msg"]


def test_the_defaults_serve_phones_on_this_machine(tmp_path: Path) -> None:
    settings = _settings()

    assert [str(address) for address in settings.listen] == [
        "udp:127.0.0.1:5060",
        "tcp:127.0.0.1:5060",
        "udp:[::1]:5060",
        "tcp:[::1]:5060",
    ]
    assert served_domains(settings.listen, settings.domains) == ("localhost", "127.0.0.1:5060", "[::1]:5060")
    assert settings.location == f"sqlite:{tmp_path}/state/sipfsm/location.db"
    assert settings.users is None
    assert settings.next_hop is None
    assert settings.trusted == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.notices == []


def test_without_ipv6_the_default_listeners_are_fewer_and_a_notice_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings_module, "has_ipv6_loopback", lambda: False)

    default = _settings()
    explicit = _settings(listen=["udp:[::1]:5060"])

    assert [str(address) for address in default.listen] == ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]
    assert default.notices == ["This machine has no IPv6 loopback address, so nothing listens on [::1]."]
    assert [str(address) for address in explicit.listen] == ["udp:[::1]:5060"]
    assert explicit.notices == []


@pytest.mark.parametrize("address", ["udp:0.0.0.0:5060", "tcp:[::]:5060", "udp:192.0.2.1:0"])
def test_a_listener_outside_this_machine_is_refused_unless_no_auth_is_said(address: str) -> None:
    listen = ["udp:127.0.0.1:5060", address]

    reason = _fault(listen=listen)
    open_to_all = _settings(listen=listen, no_auth=True)

    assert reason.startswith(f"{address} can be reached from other machines")
    assert "--no-auth" in reason
    assert str(open_to_all.listen[1]) == address


def test_an_address_is_named_once_only() -> None:
    assert "named twice" in _fault(listen=["udp:127.0.0.1:5060", "UDP:127.0.0.1:5060"])
    assert len(_settings(listen=["udp:127.0.0.1:0", "udp:127.0.0.1:0"]).listen) == 2


def test_there_is_at_least_one_listener() -> None:
    assert "at least 1" in _fault(listen=[])


def test_domains_are_served_besides_the_built_in_names() -> None:
    listen = [
        ListenAddress("UDP", "0.0.0.0", 5060),
        ListenAddress("TCP", "0.0.0.0", 5060),
        ListenAddress("UDP", "::", 5070),
        ListenAddress("UDP", "192.0.2.1", 0),
    ]

    names = served_domains(listen, ["example.org", "localhost"])

    assert names == ("localhost", "127.0.0.1:5060", "[::1]:5070", "example.org")


@pytest.mark.parametrize("name", ["t1", "t2", "t4", "timer_c"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "soon"])
def test_a_timer_is_a_finite_number_above_zero(name: str, value: object) -> None:
    _fault(**{name: value})


def test_timers_become_the_timing_of_the_machines() -> None:
    timing = _settings(t1=0.25, t2="2", t4=3, timer_c=181).timing

    assert (timing.t1, timing.t2, timing.t4, timing.timer_c) == (0.25, 2.0, 3.0, 181.0)


def test_t2_is_not_below_t1() -> None:
    assert _fault(t1=5) == "t2 (4 seconds) must not be below t1 (5 seconds)"
    assert _settings(t1=5, t2=5).t2 == 5


def test_timer_c_is_above_three_minutes() -> None:
    assert "greater than 180" in _fault(timer_c=180)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("memory", "memory"),
        (" memory ", "memory"),
        ("sqlite:/var/lib/a.db", "sqlite:/var/lib/a.db"),
        ("sqlite:~/a.db", "sqlite:{home}/a.db"),
        ("sqlite:a.db", "sqlite:{here}/a.db"),
    ],
)
def test_a_location_is_memory_or_the_whole_path_of_a_file(text: str, location: str) -> None:
    assert _settings(location=text).location == location.format(home=Path.home(), here=Path.cwd())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Memory",
        "sqlite",
        "sqlite:",
        "sqlite::memory:",
        "redis:x",
        "a.db",
        "sqlite:~nobody-of-this-name/a.db",
        7,
    ],
)
def test_any_other_location_is_refused(text: object) -> None:
    _fault(location=text)


def test_the_home_folder_is_the_place_where_no_state_folder_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    for value in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert default_location_path() == Path("/home/alice/.local/state/sipfsm/location.db")


def test_users_are_names_or_addresses_of_served_domains() -> None:
    settings = _settings(users=["alice", "Bob@EXAMPLE.org"], domains=["example.org"])

    assert settings.users == ("alice", "Bob@example.org")
    assert _settings(users="alice, bob").users == ("alice", "bob")
    # As in addresses-of-record, so that no user is named who could never register (RFC 3261 10.3 step 5).
    assert _settings(users=["%61lice", "*9%23", "b%c3%bcro@localhost"]).users == (
        "alice",
        "*9%23",
        "b%C3%BCro@localhost",
    )
    assert "not among the domains" in _fault(users=["bob@example.com"], domains=["example.org"])


@pytest.mark.parametrize(
    "user", ["", "sip:alice", "a b", "<alice>", "@example.org", "al\nice", "älice", "*9#", "9%", 7]
)
def test_what_is_no_user_is_refused(user: object) -> None:
    _fault(users=[user])


def test_trusted_networks_of_both_families() -> None:
    settings = _settings(trusted=["192.0.2.0/24", "192.0.2.7", "[2001:db8::]/32"])

    assert settings.trusted == (
        ip_network("192.0.2.0/24"),
        ip_network("192.0.2.7/32"),
        ip_network("2001:db8::/32"),
    )
    assert "write for example" in _fault(trusted=["192.0.2.1/24"])


def test_a_network_is_written_as_text() -> None:
    assert "a text belongs here" in _fault(trusted=[7])


def test_message_limits_follow_the_settings() -> None:
    limits = _settings(limits={"max_message": 2000}).message_limits

    assert (limits.max_message, limits.max_body) == (2000, 2000)


@pytest.mark.parametrize(
    "registrar",
    [
        {"min_expires": 0},
        {"min_expires": 3601, "default_expires": 7200},
        {"min_expires": 100, "default_expires": 99},
        {"default_expires": 100_000},
        {"max_expires": 2**32},
    ],
)
def test_registration_intervals_are_in_order(registrar: dict[str, int]) -> None:
    _fault(registrar=registrar)


def test_settings_see_neither_environment_nor_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPFSM_T1", "0.1")

    settings = _settings()

    assert settings.t1 == 0.5
    with pytest.raises(ValidationError):
        settings.t1 = 1.0  # type: ignore[misc]


def test_settings_are_written_and_read_again() -> None:
    settings = _settings(next_hop="sip:192.0.2.1;lr", users=["alice"], trusted=["192.0.2.0/24"])

    again = Settings(**settings.model_dump(mode="json"))

    assert again == settings

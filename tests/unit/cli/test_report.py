"""What a person reads: a table on a terminal, lines elsewhere."""

import io

import pytest

from sipfsm.cli.report import print_report
from sipfsm.config import Settings, served_domains
from sipfsm.config import settings as settings_module


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Gone(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


def _printed(settings: Settings, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        print_report("Ready.", settings, settings.listen, served_domains(settings.listen, settings.domains))
    return stream.getvalue()


def test_colours_are_for_terminals_whose_person_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(location="memory")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    plain = _printed(settings, io.StringIO(), monkeypatch)
    coloured = _printed(settings, _Terminal(), monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    monochrome = _printed(settings, _Terminal(), monkeypatch)

    assert "\x1b" not in plain
    assert "\x1b[36m" in coloured
    assert "\x1b[36m" not in monochrome
    for text in [plain, coloured, monochrome]:
        assert "udp:[::1]:5060" in text
        assert "in memory" in text


def test_a_notice_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "has_ipv6_loopback", lambda: False)
    settings = Settings(location="memory")

    plain = _printed(settings, io.StringIO(), monkeypatch)
    table = _printed(settings, _Terminal(), monkeypatch)

    assert plain.splitlines()[-1] == settings.notices[0]
    assert settings.notices[0] in table


def test_a_reader_that_has_gone_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    _printed(Settings(location="memory"), _Gone(), monkeypatch)


def test_nobody_may_register_where_the_list_of_users_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    text = _printed(Settings(location="memory", users=[]), io.StringIO(), monkeypatch)

    assert "Users: nobody may register" in text


def test_the_phone_is_pointed_at_an_address_that_others_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    listen = ["udp:127.0.0.1:5060", "tcp:[2001:db8::1]:5070", "udp:[2001:db8::1]:5070"]
    settings = Settings(location="memory", listen=listen, no_auth=True)

    text = _printed(settings, io.StringIO(), monkeypatch)

    assert (
        "Phone: address sip:alice@[2001:db8::1]:5070, server [2001:db8::1]:5070 over TCP or UDP, no password"
        in text
    )

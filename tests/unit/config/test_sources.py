"""Where settings come from, and how their faults are told."""

from pathlib import Path
from typing import Any

import pytest

from sipfsm.config import ConfigError, Settings, load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


def _problems(file: Path | None = None, text: str = "", **options: Any) -> list[str]:
    """The lines told about a file of this text, without the path at their beginning."""
    if file is not None:
        file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, options)
    return [line.replace(f"{file}: ", "FILE: ") for line in caught.value.problems]


def test_nothing_said_gives_the_defaults() -> None:
    assert load_settings() == Settings()


def test_command_line_over_environment_over_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(
        't1 = 0.1\nt2 = 2\nt4 = 3\nlog_level = "debug"\n[limits]\nmax_aors = 7\nmax_message = 2000\n'
    )
    monkeypatch.setenv("SIPFSM_T1", "0.2")
    monkeypatch.setenv("SIPFSM_T2", "2.5")
    monkeypatch.setenv("SIPFSM_LIMITS__MAX_AORS", "8")
    monkeypatch.setenv("SIPFSM_LOG_LEVEL", "")  # as good as not set

    settings = load_settings(file, {"t1": "0.3"})

    assert (settings.t1, settings.t2, settings.t4, settings.log_level) == (0.3, 2.5, 3.0, "debug")
    assert (settings.limits.max_aors, settings.limits.max_message) == (8, 2000)


def test_lists_in_the_environment_are_parted_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPFSM_LISTEN", "udp:127.0.0.1:5060, tcp:[::1]:5070")
    monkeypatch.setenv("sipfsm_users", "alice,bob,")
    monkeypatch.setenv("SIPFSM_NO_AUTH", "yes")

    settings = load_settings()

    assert [str(address) for address in settings.listen] == ["udp:127.0.0.1:5060", "tcp:[::1]:5070"]
    assert settings.users == ("alice", "bob")
    assert settings.no_auth


def test_domains_of_all_sources_are_served(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('domains = ["one.example"]')
    monkeypatch.setenv("SIPFSM_DOMAINS", "two.example, three.example")

    settings = load_settings(file, {"domains": ["four.example"]})

    assert sorted(settings.domains) == ["four.example", "one.example", "three.example", "two.example"]


def test_a_relative_location_in_a_file_is_beside_the_file(file: Path) -> None:
    file.write_text('location = "sqlite:data/a.db"')
    assert load_settings(file).location == f"sqlite:{file.parent}/data/a.db"

    file.write_text('location = "sqlite:/data/a.db"')
    assert load_settings(file).location == "sqlite:/data/a.db"

    file.write_text('location = "sqlite:~/a.db"')
    assert load_settings(file).location == f"sqlite:{Path.home()}/a.db"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('t1 = "soon"', 'FILE: t1 = "soon": should be a valid number, unable to parse string as a number'),
        ("t1 = true", "FILE: t1 = true: a number belongs here"),
        ("timer_c = 180", "FILE: timer_c = 180: should be greater than 180"),
        ("t1 = 9", "FILE: t1 = 9: t2 (4 seconds) must not be below t1 (9 seconds)"),
        ("t1 = 3\nt2 = 2", "FILE: t2 = 2: t2 (2 seconds) must not be below t1 (3 seconds)"),
        ("listen = 5060", "FILE: listen = 5060: a list belongs here"),
        ("listen = []", "FILE: listen = []: at least one belongs here"),
        ('listen = ["udp:x:1"]', "FILE: listen[0] = \"udp:x:1\": 'x' is no IP address"),
        ("domains = 7", "FILE: domains = 7: a text belongs here"),
        ("users = [1]", "FILE: users[0] = 1: a text belongs here"),
        ("limits = 3", "FILE: limits = 3: a table belongs here"),
        ("[limits]\nmax_aors = 0", "FILE: limits.max_aors = 0: should be greater than or equal to 1"),
        (
            'log_level = "loud"',
            """FILE: log_level = "loud": should be 'debug', 'info', 'warning' or 'error'""",
        ),
        (
            "[registrar]\nmax_expires = 99",
            "FILE: registrar.max_expires = 99: default_expires (3600 seconds) must lie between",
        ),
        ("lisen = 3", "FILE: lisen = 3: there is no such setting; did you mean listen?"),
        ("no-auth = true", "FILE: no-auth = true: there is no such setting; did you mean no_auth?"),
        (
            "[limits]\nmax_mesage = 3",
            "FILE: limits.max_mesage = 3: there is no such setting; did you mean limits.max_message?",
        ),
        (
            "[registrar]\nzzz = 3",
            "FILE: registrar.zzz = 3: there is no such setting; there are min_expires, default_expires",
        ),
        ('users = ["\\u0007"]', 'FILE: users[0] = "\\u0007": this is no user'),
    ],
)
def test_a_fault_names_file_key_value_and_reason(file: Path, text: str, line: str) -> None:
    (problem,) = _problems(file, text)

    assert problem.startswith(line)
    assert "\n" not in problem


def test_a_fault_in_a_list_names_the_item_and_its_source(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPFSM_DOMAINS", "good.example,bad domain")

    problems = _problems(file, 'domains = ["x.example", "y y"]', domains=["z.example", "z z"])

    assert sorted(problem.partition(": this is no domain")[0] for problem in problems) == [
        'FILE: domains[1] = "y y"',
        'command line: --domain = "z z"',
        'environment: SIPFSM_DOMAINS = "good.example,bad domain"',
    ]


def test_a_text_that_stands_for_a_list_is_blamed_only_for_what_it_holds(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPFSM_DOMAINS", "good.example")

    (problem,) = _problems(file, 'domains = "x.example,y y"')

    assert problem.startswith('FILE: domains = "x.example,y y": this is no domain')


def test_a_fault_in_the_environment_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPFSM_LIMITS__MAX_AORS", "many")

    (problem,) = _problems()

    assert problem.startswith('environment: SIPFSM_LIMITS__MAX_AORS = "many": should be a valid integer')


def test_an_unknown_variable_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIPFSM_LISTN", "udp:127.0.0.1:5060")
    monkeypatch.setenv("SIPFSM_NOT_SET", "")

    (problem,) = _problems()

    assert problem.startswith('environment: SIPFSM_LISTN = "udp:127.0.0.1:5060": there is no such setting; ')
    assert problem.endswith("did you mean SIPFSM_LISTEN?")


def test_a_fault_on_the_command_line_names_the_option() -> None:
    (problem,) = _problems(listen=["udp:0.0.0.0:5060"])

    assert problem.startswith(
        'command line: --listen = ["udp:0.0.0.0:5060"]: udp:0.0.0.0:5060 can be reached'
    )


def test_a_value_that_a_higher_source_replaces_is_not_blamed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPFSM_LIMITS__MAX_MESSAGE", "2000")

    assert _problems(file, "t1 = 0.5\n[limits]\nmax_aors = 0", t1="x") == [
        'command line: --t1 = "x": should be a valid number, unable to parse string as a number',
        "FILE: limits.max_aors = 0: should be greater than or equal to 1",
    ]


def test_all_faults_are_told_at_once(file: Path) -> None:
    assert len(_problems(file, 't1 = 0\nusers = ["a b", "c", "d e"]\nwhat = 1')) == 4


def test_a_long_value_is_cut(file: Path) -> None:
    (problem,) = _problems(file, f'location = "{"x" * 500}"')

    assert len(problem) < 200


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, reason in [(tmp_path / "none.toml", "No such file"), (tmp_path, "Is a directory")]:
        with pytest.raises(ConfigError, match=reason) as caught:
            load_settings(path)
        assert str(caught.value).startswith(f"{path}: cannot be read: ")


def test_what_is_not_toml_is_told_with_its_line(file: Path) -> None:
    (problem,) = _problems(file, "t1 = 0.5\nlisten = udp\n")
    assert problem.startswith("FILE: this is not TOML: ")
    assert "line 2" in problem

    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="this is not TOML"):
        load_settings(file)


def test_without_a_home_folder_a_location_must_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(_cls: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setattr(Path, "home", classmethod(no_home))

    assert _problems() == ["location: Could not determine home directory; say where: memory, or sqlite:PATH"]
    assert load_settings(options={"location": "memory"}).location == "memory"

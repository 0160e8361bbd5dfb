"""The set-up of a machine: what is installed with which rights, and what is said without them."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "debian-packages.sh"
TOOLS = ["bash", "cat", "chmod", "dirname", "echo", "sed", "sh", "touch"]
"""Programs that the script may find; everything else is there only if a test puts it there."""


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A machine with few programs; gives a function that runs the script there for a package `missing`.

    Its `apt-get` notes its arguments, and `install` brings the program.
    """
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or "")

    def program(name: str, text: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)

    def run(
        *,
        user: int,
        package: str = "missing",
        sudo: str | None = None,
        apt: bool = True,
        brings: bool = True,
        systemd: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        program("id", f"echo {user}")
        if apt:
            new = programs / "missing-program"
            bring = f'case "$*" in *install*) touch {new}; chmod +x {new};; esac'
            program("apt-get", f'echo "$*" >> {tmp_path}/apt-get.log; {bring if brings else ""}')
            program("systemctl", f'echo "systemctl $*" >> {tmp_path}/apt-get.log')
        if sudo is not None:
            program("sudo", sudo)
        # A copy that looks for programs and for systemd on the made-up machine only.
        text = SCRIPT.read_text().replace(":/usr/sbin:/sbin", "")
        script = tmp_path / SCRIPT.name
        script.write_text(
            text.replace("/run/systemd/system", str(programs if systemd else tmp_path / "none"))
        )
        return subprocess.run(
            ["bash", str(script), package, "missing-program", "there", "sed"],
            env={"PATH": str(programs), "CI": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def _apt_get(tmp_path: Path) -> list[str]:
    log = tmp_path / "apt-get.log"
    return log.read_text().splitlines() if log.exists() else []


def test_root_installs_what_is_missing_and_only_that(
    machine: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = machine(user=0)

    assert done.returncode == 0, done.stderr
    assert _apt_get(tmp_path) == ["update -qq", "install -y -qq --no-install-recommends missing"]
    assert machine(user=1000, apt=False).returncode == 0  # now there is nothing to do


def test_sudo_installs_where_it_answers(
    machine: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = machine(user=1000, sudo='[ "$1" = -n ] && exit 0; exec "$@"')

    assert done.returncode == 0, done.stderr
    assert len(_apt_get(tmp_path)) == 2


@pytest.mark.parametrize("sudo", [None, "exit 1"])
def test_without_rights_the_one_command_is_printed_and_nothing_is_skipped(
    machine: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, sudo: str | None
) -> None:
    done = machine(user=1000, sudo=sudo)

    assert done.returncode == 1
    assert done.stdout == ""
    first, command = done.stderr.splitlines()
    assert first.startswith("Missing: missing-program.")
    assert command.endswith("apt-get install -y -qq --no-install-recommends missing")
    assert _apt_get(tmp_path) == []


def test_another_distribution_is_told_what_it_lacks(
    machine: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = machine(user=0, apt=False)

    assert done.returncode == 1
    assert "Missing: missing-program. This is no Debian machine" in done.stderr


def test_a_package_that_does_not_bring_its_program_is_an_error(
    machine: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = machine(user=0, brings=False)

    assert done.returncode == 1
    assert "no program 'missing-program'" in done.stderr


def test_kamailio_is_masked_before_it_is_installed_so_that_no_service_starts(
    machine: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = machine(user=0, package="kamailio", systemd=True)

    assert done.returncode == 0, done.stderr
    assert _apt_get(tmp_path)[0] == "systemctl mask kamailio.service"
    assert "stays masked" in done.stdout


def test_nothing_is_masked_where_systemd_does_not_run_or_for_other_packages(
    machine: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    machine(user=0, package="kamailio")
    (tmp_path / "bin" / "missing-program").unlink()
    machine(user=0, package="other", systemd=True)

    assert not [line for line in _apt_get(tmp_path) if "systemctl" in line]


def test_every_package_is_listed_with_its_program_and_why() -> None:
    lines = (ROOT / "tests" / "debian-packages.txt").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]

    assert {line.split()[0] for line in packages} >= {"sip-tester", "baresip", "kamailio"}
    for line in packages:
        pair, mark, why = line.partition("#")
        assert len(pair.split()) == 2
        assert mark
        assert why.strip()


def test_help_is_what_make_says_first() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}

    done = subprocess.run(["make"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)

    commands = [line.split()[:2] for line in done.stdout.splitlines()]
    assert commands == [
        ["make", each]
        for each in [
            "help",
            "run",
            "test",
            "check",
            "verify-mutants",
            "fuzz",
            "bench",
            "bench-messages",
            "fuzz-parser",
            "torture",
            "conformance",
            "draw",
            "verify",
            "lock",
            "clean",
        ]
    ]

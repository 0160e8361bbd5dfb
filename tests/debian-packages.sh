#!/bin/bash
# Installs the Debian packages that tests/debian-packages.txt lists, as far as their programs are missing.
#
#     tests/debian-packages.sh                   what the tests need
#     tests/debian-packages.sh NAME PROGRAM...   these packages, given as pairs; a PROGRAM of "-" says that
#                                                it is missing and brings no program
#
# As root, or with sudo where it answers. Without either it prints the one command to run and exits with 1:
# a test that was left out because a program is missing would look like one that passed.
set -euo pipefail

PATH="$PATH:/usr/sbin:/sbin"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046  # split on purpose: names and programs hold no blanks
    set -- $(sed 's/#.*//' "$here/debian-packages.txt")
fi

missing=()
programs=()
while [ $# -ge 2 ]; do
    if [ "$2" = "-" ]; then
        missing+=("$1")
    elif ! command -v "$2" >/dev/null; then
        missing+=("$1")
        programs+=("$2")
    fi
    shift 2
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

# Kamailio's package starts a daemon on port 5060 where systemd runs. Masked before it is installed, it is
# installed all the same and never started; whoever wants the service unmasks it. (Its init script, where
# systemd does not run, starts nothing until /etc/default/kamailio says so.)
mask=""
if [ -d /run/systemd/system ] && [[ " ${missing[*]} " == *" kamailio "* ]]; then
    mask="systemctl mask kamailio.service && "
fi
install="${mask}apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${missing[*]}"

if ! command -v apt-get >/dev/null; then
    echo "Missing: ${programs[*]:-${missing[*]}}. This is no Debian machine: install these programs by its own means." >&2
    exit 1
elif [ "$(id -u)" -eq 0 ]; then
    runner=()
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -z "${CI:-}" ]; }; }; then
    runner=(sudo)
else
    echo "Missing: ${programs[*]:-${missing[*]}}. Run this as root, then try again:" >&2
    echo "    $install" >&2
    exit 1
fi

echo "Installing Debian packages: ${missing[*]}"
"${runner[@]}" sh -c "$install" >/dev/null

if [ -n "$mask" ]; then
    echo "The service kamailio stays masked; 'systemctl unmask kamailio' gives it back."
fi
for program in "${programs[@]}"; do
    if ! command -v "$program" >/dev/null; then
        echo "The packages ${missing[*]} are installed, and still there is no program '$program'." >&2
        exit 1
    fi
done

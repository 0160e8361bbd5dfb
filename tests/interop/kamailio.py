"""Kamailio in the place of the proxy under test: shows whether tests and benchmark are right themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.interop.process import Program, free_port
from tests.interop.server import wait_until_it_answers

_GLOBALS = """\
debug=1
log_stderror=yes
children={children}
auto_aliases=no
dns=no
rev_dns=no
enable_sctp=no
tcp_accept_no_cl=yes
{tcp}
{listen}

loadmodule "pv.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
{registrar}
modparam("tm", "fr_timer", {no_answer_ms})
modparam("tm", "fr_inv_timer", 180000)
modparam("rr", "enable_full_lr", 1)
"""

_REGISTRAR = """\
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "append_branches", 1)
"""

_ROUTES = """\
request_route {
    if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    if (has_totag()) {
        if (!loose_route() && is_method("ACK") && !t_check_trans()) exit;
        t_relay();
        exit;
    }
    t_check_trans();
    remove_hf("Route");
    if (is_method("OPTIONS") && uri == myself) { sl_send_reply("200", "OK"); exit; }
#!ifdef REGISTRAR
    if (is_method("REGISTER")) { if (!save("location")) sl_reply_error(); exit; }
    if (uri == myself && !lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
#!endif
    if (is_method("INVITE")) record_route();
    if (!t_relay()) sl_reply_error();
}
"""


class Kamailio(Program):
    """A running Kamailio: stateful, record-routing, configured by this module, on loopback.

    :param registrar: also a registrar with its locations in memory, for the server's own address as domain.
    :param allocator: the memory manager ("fm" is the fast one); None is the one that Debian ships as default.
    :param children: worker processes for UDP.
    :param no_answer: seconds that a callee has for its first response.
    :raises FileNotFoundError: when it is not installed.
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        tcp: bool = True,
        registrar: bool = True,
        allocator: str | None = None,
        children: int = 2,
        no_answer: float = 3.0,
        core: int | None = None,
    ) -> None:
        self.port = port or free_port()
        listen = ["udp", "tcp"] if tcp else ["udp"]
        text = ("#!define REGISTRAR\n" if registrar else "") + _GLOBALS.format(
            children=children,
            listen="\n".join(f"listen={protocol}:127.0.0.1:{self.port}" for protocol in listen),
            tcp="tcp_children=1" if tcp else "disable_tcp=yes",
            registrar=_REGISTRAR if registrar else "",
            no_answer_ms=round(no_answer * 1000),
        )
        configuration = folder / f"kamailio-{self.port}.cfg"
        configuration.write_text(text + _ROUTES)
        # -DD: stay in the foreground; -Y: its runtime sockets, kept apart from any other instance
        argv = [installed_kamailio(), "-DD", "-E", "-f", str(configuration), "-Y", str(folder), "-m", "512"]
        argv += ["-x", allocator] if allocator else []
        super().__init__(argv, folder / f"kamailio-{self.port}.log", cwd=folder, core=core)
        try:
            wait_until_it_answers(self, self.port)
        except BaseException:
            self.kill()
            raise


def installed_kamailio() -> str:
    """Where the program is.

    :raises FileNotFoundError: when it is not installed.
    """
    binary = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin")
    if binary is None:
        raise FileNotFoundError("kamailio is not installed (Debian package: kamailio)")
    return binary

"""Machines to draw that are nobody's: small, and with everything that a model can have."""

from sipfsm.fsm import Model, read_model
from sipfsm.statechart import Chart, make_chart

TEXT = """
name    = "sample"
title   = "A sample & more"
sources = ["RFC 3261 17.1.2"]
initial = "Idle"
final   = ["Gone"]
transitions = [
  { id = "SMP-01", source = "Idle", trigger = "tu_request", dest = "Busy", before = ["send_request"], rfc = "3261 17.1.2.2 MUST" },
  { id = "SMP-02", source = "Busy", trigger = "timer_E", before = ["resend_request", "back_off_E"], rfc = "3261 17.1.2.2" },
  { id = "SMP-03", source = "Busy", trigger = ["response_2xx", "response_300_699"], dest = "Idle", rfc = "6026 7.2" },
  { id = "SMP-04", source = "Busy", trigger = "timer_F", dest = "Gone", before = ["inform_timeout"], rfc = "gap", note = "nobody <answers>" },
  { id = "SMP-05", source = "Busy", trigger = "response_1xx", rfc = "4320 4.1" },
  { id = "SMP-06", source = "Busy", trigger = "tu_invite", dest = "Busy", before = ["start_E"], rfc = "erratum 1470" },
]
[states.Idle]
on_enter = ["drop"]
[states.Busy]
on_enter = ["start_E", "start_F"]
on_exit  = ["stop_E", "stop_F"]
note     = "where the work is"
[states.Gone]
on_enter = ["terminate"]
[timers]
E = { unreliable = "T1", reliable = "2*T1", backoff = 2, cap = "T2" }
F = { unreliable = "64*T1", reliable = "0", note = "at once over TCP" }
"""  # noqa: E501 - a row is a line


def sample_model(*changes: tuple[str, str]) -> Model:
    """The sample, with parts of its text replaced."""
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return read_model(text, file="sample.toml")


def sample(*changes: tuple[str, str]) -> Chart:
    """What is drawn of the sample."""
    return make_chart(sample_model(*changes))


def awkward() -> Chart:
    """The sample, with all the signs in its texts that mean something to some format."""
    return sample(
        ('"Busy"', r'"very \"Busy\" <&> #1; a:b|c"'),
        ("states.Busy", r'states."very \"Busy\" <&> #1; a:b|c"'),
        ("A sample & more", r"A \"sample\": <b>& more</b> -- #1;"),
        ("nobody <answers>", r"nobody | <answers> -- \n really -->"),
        ('"RFC 3261 17.1.2"', r'"RFC 3261\n17.1.2"'),
    )

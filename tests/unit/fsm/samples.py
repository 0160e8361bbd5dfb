"""Small models for the tests: one that is right, and ways to make it wrong."""

from sipfsm.fsm import Engine, Model, Timing, read_model

FILE = "sample.toml"

SAMPLE = """\
name    = "sample"
initial = "Idle"
final   = ["Over"]
transitions = [
{id = "SAM-01", source = "Idle", trigger = "tu_request", dest = "Busy", before = ["send_request"], rfc = "1"},
{id = "SAM-02", source = "Busy", trigger = "timer_A", before = ["resend_request", "back_off_A"], rfc = "2"},
{id = "SAM-03", source = "Busy", trigger = ["response_1xx", "response_2xx"], dest = "Over", rfc = "3"},
]
[states.Busy]
on_enter = ["start_A"]
[states.Over]
on_enter = ["terminate"]
[timers]
A = { unreliable = "T1", backoff = 2, cap = "T2" }
"""
"""A model without a mistake."""

CHAIN = """\
name    = "chain"
initial = "Idle"
final   = ["Over"]
transitions = [
  { id = "CHN-01", source = "Idle", trigger = "invite", dest = "Left", before = ["pass_request"], rfc = "1" },
  { id = "CHN-02", source = "Left", trigger = "timer_A", dest = "Right", before = ["drop"], rfc = "1" },
  { id = "CHN-03", source = "Right", trigger = "timer_B", dest = "Over", before = ["reject"], rfc = "1" },
  { id = "CHN-04", source = "Left", trigger = "ack", dest = "Left", before = ["pass_ack"], rfc = "1" },
  { id = "CHN-05", source = "Left", trigger = "cancel", rfc = "1" },
  { id = "CHN-06", source = "Left", trigger = ["timer_C", "timer_B"], rfc = "1" },
  { id = "CHN-07", source = "Right", trigger = "timer_C", before = ["drop"], rfc = "1" },
  { id = "CHN-08", source = "Left", trigger = "request", before = ["stop_A", "drop"], rfc = "1" },
]
[states.Left]
on_enter = ["start_A", "start_C"]
on_exit  = ["stop_A", "stop_C", "send_ack"]
[states.Right]
on_enter = ["send_request", "start_B"]
on_exit  = ["resend_request"]
[states.Over]
on_enter = ["terminate"]
[timers]
A = { unreliable = "T1", reliable = "0" }
B = { unreliable = "T4", reliable = "0" }
C = { unreliable = "TC", reliable = "TC" }
"""
"""A model with what the built-in ones lack: a row from a state to itself, and a chain of timers of zero."""

ROW_1 = SAMPLE.splitlines()[4]
ROW_2 = SAMPLE.splitlines()[5]
ROW_3 = SAMPLE.splitlines()[6]
ROWS = f"{ROW_1}\n{ROW_2}\n{ROW_3}"


def changed(*changes: tuple[str, str]) -> str:
    """The sample with texts replaced; each must occur in it."""
    text = SAMPLE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def with_rows(*rows: str) -> tuple[str, str]:
    """A change that puts further rows behind the others."""
    return (ROW_3, "\n".join([ROW_3, *(f"  {{ {row}, rfc = 'gap' }}," for row in rows)]))


def read(text: str) -> Model:
    """Make a model of a text."""
    return read_model(text, file=FILE)


def ready(text: str, *, compiled: bool = True) -> Engine:
    """Make an engine of a text, with the default timer values."""
    return Engine(read(text), Timing(), compiled=compiled)

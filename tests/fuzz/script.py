"""Scripts: what a network, a peer and a transaction user do to a transaction layer, step by step."""

from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

GRAIN = 1 / 1024
"""Is added to each pause: no step then falls into the instant of a timer, where either might come first."""

PAUSES = (0.0, 0.1, 0.3, 0.6, 2.0, 6.0, 34.0, 40.0, 90.0)
"""Seconds: around Timer trying, T1, its doubles, T2, T4, 64*T1 and Timer tu."""

TRANSACTIONS = 4
"""Of each kind; the odd ones go over a reliable transport."""

STATUSES = (100, 180, 200, 202, 302, 408, 486, 603)


@dataclass(frozen=True)
class Do:
    """One step.

    Attributes:
        what: `arrives` (a request), `responds` (the transaction user), `sends` (the transaction user),
            `answers` (the peer), `abandons server` and `abandons client` (the transaction user),
            `breaks` (the flow of a client transaction), `fails` and `mends` (all sending), `waits`.
        method: of the request that it is about.
        which: the number of the transaction.
        status: of a response.
        seconds: of a pause.
    """

    what: str
    method: str = ""
    which: int = 0
    status: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        words = [self.what, self.method and f"{self.method} {self.which}", self.status or ""]
        return " ".join(str(word) for word in (*words, f"{self.seconds:g} s" if self.seconds else "") if word)


Script = tuple[Do, ...]


def _client(method: str, which: int) -> list[Do]:
    """All steps that are about one client transaction."""
    steps = [Do("answers", method, which, status) for status in STATUSES]
    return [*steps, *(Do(what, method, which) for what in ("sends", "breaks", "abandons client"))]


def _server(method: str, which: int) -> list[Do]:
    """All steps that are about one server transaction."""
    steps = [Do("responds", method, which, status) for status in STATUSES]
    steps += [Do("arrives", method, which)] * 4
    if method == "INVITE":
        steps += [Do("arrives", "ACK", which)] * 3
        steps += [Do("arrives", "CANCEL", which), Do("responds", "CANCEL", which, 200)]
    return [*steps, Do("abandons server", method, which)]


@dataclass(frozen=True)
class Theme:
    """What most steps of a script are about: much has to happen to one transaction to bring it far."""

    beginning: Do
    steps: tuple[Do, ...]


THEMES = [
    theme
    for which in range(TRANSACTIONS)
    for method in ("INVITE", "MESSAGE")
    for theme in (
        Theme(Do("sends", method, which), tuple(_client(method, which))),
        Theme(Do("arrives", method, which), tuple(_server(method, which))),
    )
]
GENERAL = [
    *(Do("waits", seconds=seconds + GRAIN) for seconds in PAUSES),
    *(Do("waits", seconds=seconds + GRAIN) for seconds in PAUSES[:4]),
    Do("fails"),
    Do("mends"),
    Do("mends"),
]
OTHERS = [step for theme in THEMES for step in (theme.beginning, *theme.steps)]
LONGEST = 14


def _of_theme(theme: Theme) -> st.SearchStrategy[Script]:
    own = st.sampled_from(theme.steps)
    steps = st.lists(
        st.one_of(own, own, own, st.sampled_from(GENERAL), st.sampled_from(OTHERS)), max_size=LONGEST
    )
    return steps.map(lambda others: (theme.beginning, *others))


SCRIPTS: st.SearchStrategy[Script] = st.sampled_from(THEMES).flatmap(_of_theme)


def draw(random: Random) -> Script:
    """Draw a script without Hypothesis, which takes longer to draw one than it takes to run it."""
    theme = random.choice(THEMES)
    tables = (theme.steps, theme.steps, theme.steps, GENERAL, OTHERS)
    length = random.randint(1, LONGEST)
    return theme.beginning, *(random.choice(random.choice(tables)) for _ in range(length))

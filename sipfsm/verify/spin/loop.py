"""What the texts of all compositions have in common: time that passes, and states that are told no more."""

from collections.abc import Iterable, Iterator, Sequence

from sipfsm.verify.spin.channel import Channel, Option


def passing(clocks: Sequence[str], channels: Sequence[Channel], choices: Sequence[str]) -> Option:
    """The step of time: only if nothing is due, and as far as nothing can happen before.

    Args:
        clocks: all variables that count down; 0 is what does not run, and 1 is what is due.
        channels: the directions of the network.
        choices: when somebody has a choice that can be made at any time.
    """
    due = [f"{clock} == 1" for clock in clocks] + [channel.due() for channel in channels]
    flying = f"{' + '.join(channel.count for channel in channels)} > 0"
    running = " || ".join([*clocks, flying])
    by_one = " || ".join([flying, *choices])
    least = "; ".join(
        f"if :: {clock} && {clock} <= least -> least = {clock} - 1 :: else -> skip fi" for clock in clocks
    )
    return Option(
        f"!({' || '.join(due)}) && ({running})",
        [
            f"if :: {by_one} -> least = 1 :: else -> least = 32767; {least} fi",
            *(f"{clock} = ({clock} -> {clock} - least : 0)" for clock in clocks),
            *(line for channel in channels for line in channel.passed()),
            'printf("@passed %d\\n", least)',
            "least = 0",
        ],
    )


def reset(variables: Iterable[str]) -> Iterator[str]:
    """What makes all states alike in which the same is broken: the run ends there."""
    for name in variables:
        array, _, length = name.partition("[")
        if length:
            yield from (f"{array}[{place}] = 0" for place in range(int(length.rstrip("]"))))
        elif name != "broken":
            yield f"{name} = 0"

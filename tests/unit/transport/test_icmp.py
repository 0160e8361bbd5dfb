"""What ICMP messages mean to the transport user (:rfc:`3261#section-18.4`)."""

import pytest

from sipfsm.transport.icmp import _failure

ICMP, ICMP6, LOCAL = 2, 3, 1


@pytest.mark.parametrize(
    ("origin", "icmp_type", "code", "reason"),
    [
        (ICMP, 3, 0, "unreachable"),  # network
        (ICMP, 3, 1, "unreachable"),  # host
        (ICMP, 3, 2, "unreachable"),  # protocol
        (ICMP, 3, 3, "refused"),  # port
        (ICMP, 3, 4, None),  # fragmentation needed
        (ICMP, 3, 13, "unreachable"),  # prohibited
        (ICMP, 4, 0, None),  # source quench
        (ICMP, 11, 0, None),  # time to live exceeded
        (ICMP, 12, 0, "unreachable"),  # parameter problem
        (ICMP6, 1, 0, "unreachable"),  # no route
        (ICMP6, 1, 4, "refused"),  # port
        (ICMP6, 2, 0, None),  # packet too big
        (ICMP6, 3, 0, None),  # hop limit exceeded
        (ICMP6, 4, 1, "unreachable"),  # parameter problem
        (LOCAL, 3, 1, None),
    ],
)
def test_the_meaning_of_icmp(origin: int, icmp_type: int, code: int, reason: str | None) -> None:
    failure = _failure(origin, icmp_type, code)
    assert (None if failure is None else failure.reason) == reason

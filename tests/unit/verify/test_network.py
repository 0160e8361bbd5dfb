"""The network of a composition, step by step."""

from sipfsm.verify.network import Mail, Medium
from sipfsm.verify.scenario import Network

TO_SERVER, TO_CLIENT = 0, 1
MAILS = (Mail("request", 1, 0, ("client", "server")), Mail("response", 0, 1, ("server", "client")))


def medium(**bounds: object) -> Medium:
    return Medium(Network.model_validate(bounds), MAILS, watched={TO_SERVER})


def flying(network: Medium, state: int) -> list[tuple[str, int]]:
    return [(MAILS[code >> 7].name, code & 127) for code in network.states[state].messages]


def test_an_order_that_means_nothing_makes_no_state() -> None:
    network = medium(delay=2)
    one = network.put(network.put(network.start, (TO_SERVER,)), (TO_CLIENT,))
    other = network.put(network.start, (TO_CLIENT, TO_SERVER))
    assert one == other
    assert flying(network, one) == [("request", 2), ("response", 2)]


def test_without_reordering_the_first_of_each_way_comes_first() -> None:
    network = medium(reordering=False, delay=1)
    state = network.next_tick(network.put(network.start, (TO_SERVER,)))
    state = network.put(state, (TO_SERVER, TO_CLIENT))
    assert flying(network, state) == [("request", 0), ("request", 1), ("response", 1)]
    found = network.deliver(state)
    assert [(each.mail, each.remaining) for each in found] == [(TO_SERVER, 0), (TO_CLIENT, 1)]
    assert flying(network, found[0].after) == [("request", 1), ("response", 1)]


def test_with_reordering_any_may_come_and_equal_ones_are_one_step() -> None:
    network = medium(delay=1)
    state = network.next_tick(network.put(network.start, (TO_SERVER,)))
    state = network.put(state, (TO_SERVER, TO_SERVER))
    assert [each.remaining for each in network.deliver(state)] == [0, 1]


def test_only_what_was_sent_in_this_tick_is_lost_or_duplicated() -> None:
    network = medium(delay=1)
    fresh = network.put(network.start, (TO_SERVER,))
    assert len(network.lose(fresh)) == len(network.duplicate(fresh)) == 1
    older = network.next_tick(fresh)
    assert network.lose(older) == network.duplicate(older) == ()
    assert network.due[older]
    assert not network.due[fresh]


def test_the_loss_of_what_is_watched_is_marked() -> None:
    network = medium()
    (lost,) = network.lose(network.put(network.start, (TO_SERVER,)))
    assert network.states[lost.after].marked
    (lost,) = network.lose(network.put(network.start, (TO_CLIENT,)))
    assert not network.states[lost.after].marked


def test_what_finds_no_room_is_lost_and_that_is_noted() -> None:
    network = medium(capacity=2)
    full = network.put(network.start, (TO_CLIENT, TO_CLIENT))
    before = network.overflowed
    assert network.duplicate(full) == ()
    assert network.put(full, (TO_CLIENT,)) == full
    assert (before, network.overflowed) == (False, True)
    assert not network.states[full].marked
    assert network.states[network.put(network.put(full, (TO_SERVER, TO_SERVER)), (TO_SERVER,))].marked


def test_what_a_transaction_carries_is_neither_lost_nor_duplicated() -> None:
    carried = MAILS[TO_SERVER]._replace(carried=True)
    network = Medium(Network(delay=1, duplicates=3), (carried, MAILS[TO_CLIENT]), watched=())
    state = network.put(network.start, (TO_SERVER, TO_CLIENT))
    assert [each.mail for each in network.lose(state)] == [TO_CLIENT]
    assert [each.mail for each in network.duplicate(state)] == [TO_CLIENT]
    assert len(network.deliver(state)) == 2

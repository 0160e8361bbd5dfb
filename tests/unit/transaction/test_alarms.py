"""Timers of many machines in one queue: order, restart, stop, and nothing left behind."""

from collections.abc import Awaitable, Callable
from random import Random

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from sipfsm.transaction import Alarms, TimerQueue
from sipfsm.transaction.alarms import _SPARE


class Log:
    """A queue that runs, the faults it reports, and what fired when."""

    def __init__(self, slack: float) -> None:
        self.faults: list[Exception] = []
        self.queue = TimerQueue(self.faults.append, slack=slack)
        self.fired: list[tuple[float, str]] = []

    def alarms(self) -> Alarms[str]:
        """Timers of a machine that write down their names."""
        return Alarms(self.queue, lambda name: self.fired.append((trio.current_time(), name)))


def run(test: Callable[[Log], Awaitable[None]], *, running: bool = True, slack: float = 0.0) -> None:
    """Run a test in virtual time, beside the queue."""

    async def main() -> None:
        log = Log(slack)
        async with trio.open_nursery() as nursery:
            if running:
                nursery.start_soon(log.queue.run)
                await wait_all_tasks_blocked()
            await test(log)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_timers_of_all_machines_fire_in_the_order_of_their_deadlines() -> None:
    async def test(log: Log) -> None:
        one, other = log.alarms(), log.alarms()
        one.start("last", 3)
        other.start("first", 1)
        one.start("middle", 2)
        assert (len(log.queue), len(one), len(other)) == (3, 2, 1)
        await trio.sleep(10)
        assert log.fired == [(1, "first"), (2, "middle"), (3, "last")]
        assert (len(log.queue), len(one), len(other)) == (0, 0, 0)

    run(test)


def test_timers_of_the_same_instant_fire_in_the_order_in_which_they_were_started() -> None:
    async def test(log: Log) -> None:
        for name in "CAB":
            log.alarms().start(name, 1)
        await trio.sleep(10)
        assert [name for _, name in log.fired] == ["C", "A", "B"]

    run(test)


def test_a_timer_may_be_started_before_the_queue_runs() -> None:
    async def test(log: Log) -> None:
        log.alarms().start("early", 1)
        with trio.move_on_after(5):
            await log.queue.run()
        assert log.fired == [(1, "early")]

    run(test, running=False)


def test_an_earlier_timer_is_not_held_up_by_the_one_that_is_waited_for() -> None:
    async def test(log: Log) -> None:
        alarms = log.alarms()
        alarms.start("late", 100)
        await trio.sleep(1)
        alarms.start("soon", 1)
        await trio.sleep(10)
        assert log.fired == [(2, "soon")]
        await trio.sleep(100)
        assert log.fired == [(2, "soon"), (100, "late")]

    run(test)


def test_a_stopped_timer_does_not_fire() -> None:
    async def test(log: Log) -> None:
        alarms = log.alarms()
        alarms.start("A", 1)
        alarms.start("B", 2)
        alarms.stop("A")
        alarms.stop("A")
        alarms.stop("never started")
        assert (len(log.queue), len(alarms)) == (1, 1)
        await trio.sleep(10)
        assert log.fired == [(2, "B")]
        assert len(log.queue) == 0

    run(test)


@pytest.mark.parametrize(("delay", "at"), [(0.5, 1.5), (5, 6), (1, 2)])
def test_a_timer_that_is_started_again_fires_once_at_the_new_instant(delay: float, at: float) -> None:
    async def test(log: Log) -> None:
        alarms = log.alarms()
        alarms.start("A", 2)
        await trio.sleep(1)
        alarms.start("A", delay)
        assert (len(log.queue), len(alarms)) == (1, 1)
        await trio.sleep(100)
        assert log.fired == [(at, "A")]
        assert (len(log.queue), len(alarms)) == (0, 0)

    run(test)


def test_a_closed_machine_has_no_timers() -> None:
    async def test(log: Log) -> None:
        one, other = log.alarms(), log.alarms()
        for name in "ABC":
            one.start(name, 1)
            other.start(f"other {name}", 1)
        one.close()
        one.close()
        assert (len(log.queue), len(one)) == (3, 0)
        await trio.sleep(10)
        assert log.fired == [(1, "other A"), (1, "other B"), (1, "other C")]
        one.start("D", 1)  # closed is closed: who was to be told is gone
        await trio.sleep(10)
        assert len(log.fired) == 3

    run(test)


def test_a_timer_may_start_and_stop_others_when_it_fires() -> None:
    async def test(log: Log) -> None:
        def fire(name: str) -> None:
            log.fired.append((trio.current_time(), name))
            if name == "A":
                alarms.stop("B")
                alarms.start("A", 1)
                alarms.start("C", 0.5)
            if name == "C":
                alarms.close()

        alarms = Alarms(log.queue, fire)
        alarms.start("A", 1)
        alarms.start("B", 1)
        await trio.sleep(10)
        assert log.fired == [(1, "A"), (1.5, "C")]
        assert len(log.queue) == 0

    run(test)


@pytest.mark.parametrize(
    ("busy", "expected"),
    [
        pytest.param(0.3, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], id="late"),
        pytest.param(2.5, [1.0, 3.5, 3.5, 4.0, 5.0, 6.0], id="later than the next one was due"),
    ],
)
def test_a_schedule_does_not_drift_however_late_the_task_is(busy: float, expected: list[float]) -> None:
    clock = MockClock(autojump_threshold=0)

    async def main() -> None:
        fired: list[float] = []
        faults: list[Exception] = []

        def fire(name: str) -> None:
            fired.append(round(trio.current_time(), 6))
            if len(fired) == 1:
                clock.jump(busy)
            alarms.start(name, 1)

        queue = TimerQueue(faults.append)
        alarms = Alarms(queue, fire)
        alarms.start("G", 1)
        with trio.move_on_at(6.5):
            await queue.run()
        assert (fired, faults) == (expected, [])

    trio.run(main, clock=clock)


def test_with_slack_one_awakening_serves_all_that_are_due() -> None:
    async def test(log: Log) -> None:
        for name, delay in [("A", 1.0), ("D", 1.02), ("B", 1.004), ("C", 1.01)]:
            log.alarms().start(name, delay)
        await trio.sleep(10)
        assert [name for _, name in log.fired] == ["A", "B", "C", "D"]
        assert [at for at, _ in log.fired] == pytest.approx([1.01, 1.01, 1.01, 1.03])

    run(test, slack=0.01)


def test_with_slack_no_timer_fires_early_or_later_than_it_allows() -> None:
    async def test(log: Log) -> None:
        random, due = Random(1), dict[str, float]()
        for number in range(1000):
            due[str(number)] = trio.current_time() + 1 + random.random()
            log.alarms().start(str(number), due[str(number)] - trio.current_time())
            await trio.sleep(random.random() / 100)
        await trio.sleep(10)
        late = [at - due[name] for at, name in log.fired]
        assert len(late) == 1000
        assert -1e-9 < min(late) <= max(late) < 0.01 + 1e-9
        assert len({at for at, _ in log.fired}) < 700, "or slack is of no use"

    run(test, slack=0.01)


def test_slack_does_not_add_up() -> None:
    async def test(log: Log) -> None:
        def fire(name: str) -> None:
            log.fired.append((round(trio.current_time(), 6), name))
            again.start(name, 1)

        again = Alarms(log.queue, fire)
        again.start("G", 1)
        await trio.sleep(5.5)
        assert [at for at, _ in log.fired] == [1.01, 2.01, 3.01, 4.01, 5.01]

    run(test, slack=0.01)


def test_what_a_timer_raises_is_reported_and_the_others_go_on() -> None:
    async def test(log: Log) -> None:
        def fail(name: str) -> None:
            raise ValueError(name)

        faulty: Alarms[str] = Alarms(log.queue, fail)
        faulty.start("X", 1)
        log.alarms().start("A", 1)
        faulty.start("Y", 2)
        log.alarms().start("B", 3)
        await trio.sleep(10)
        assert [str(fault) for fault in log.faults] == ["X", "Y"]
        assert log.fired == [(1, "A"), (3, "B")]
        assert (len(faulty), len(log.queue)) == (0, 0)

    run(test)


def test_the_queue_ends_when_it_is_cancelled_and_can_run_again() -> None:
    async def test(log: Log) -> None:
        alarms = log.alarms()
        alarms.start("A", 1)
        for _ in range(3):
            with trio.move_on_after(0.4) as scope:
                await log.queue.run()
            assert scope.cancelled_caught
        assert log.fired == [(1, "A")]

    run(test, running=False)


def test_stopped_timers_are_cleaned_out_before_they_are_due() -> None:
    async def test(log: Log) -> None:
        lasting, brief = log.alarms(), log.alarms()
        for number in range(100):
            lasting.start(str(number), 50)
        for number in range(20 * _SPARE):
            brief.start(str(number), 32)
            brief.stop(str(number))
            assert len(log.queue) == 100
            assert len(log.queue._heap) <= 2 * 100 + _SPARE + 1
        await trio.sleep(100)
        assert len(log.fired) == 100
        assert (len(log.queue), log.queue._heap) == (0, [])

    run(test)


def test_a_timer_started_again_for_the_same_instant_is_counted_once() -> None:
    async def test(log: Log) -> None:
        again, other = log.alarms(), log.alarms()
        for _ in range(3):
            again.start("C", 185)  # as a proxy does for each provisional response
        for number in range(2 * _SPARE):  # cleans the queue
            other.start(str(number), 32)
            other.stop(str(number))
            assert len(log.queue) == 1
        await trio.sleep(200)
        assert log.fired == [(185, "C")]
        assert (len(log.queue), log.queue._heap) == (0, [])

    run(test)


@pytest.mark.parametrize("spare", [0, 10, _SPARE])
@pytest.mark.parametrize("seed", range(3))
def test_any_number_of_starts_and_stops_fires_what_a_list_would(
    seed: int, spare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sipfsm.transaction.alarms._SPARE", spare)

    async def test(log: Log) -> None:
        random, machines = Random(seed), [log.alarms() for _ in range(20)]
        due: dict[tuple[int, str], float] = {}
        expected: list[float] = []
        for _ in range(3000):
            machine, name = random.randrange(20), random.choice("ABC")
            if random.random() < 0.6:
                delay = random.choice([0.5, 1, 2, 4, 32])
                machines[machine].start(name, delay)
                due[machine, name] = trio.current_time() + delay
            else:
                machines[machine].stop(name)
                due.pop((machine, name), None)
            assert len(log.queue) == len(due)
            if random.random() < 0.05:
                await trio.sleep(random.random())
                past = [key for key, at in due.items() if at <= trio.current_time()]
                expected += sorted(due.pop(key) for key in past)
        await trio.sleep(100)
        assert [at for at, _ in log.fired] == pytest.approx(expected + sorted(due.values()))
        assert (len(log.queue), log.queue._heap) == (0, [])

    run(test)

from scriptorium_runner.executions.queue import Queue, Ticket


def make_queue() -> Queue:
    return Queue(draw=lambda size: size - 1)


def own(uid: str, due: float = 0) -> Ticket:
    return Ticket(due=due, created=due, uid=uid)


def other(uid: str, due: float = 0) -> Ticket:
    return Ticket(due=due, created=due, uid=uid, is_own=False)


def test_the_first_that_came_is_the_first_served() -> None:
    queue = make_queue()
    for ticket in (own("late", 2), own("early", 1)):
        queue.put(ticket)
    assert [queue.pop(5), queue.pop(5), queue.pop(5)] == ["early", "late", None]


def test_nothing_is_served_before_it_is_due() -> None:
    queue = make_queue()
    queue.put(own("run", due=3))
    assert queue.pop(2.9) is None
    assert queue.next_due() == 3
    assert queue.pop(3) == "run"


def test_others_runs_come_only_when_no_own_run_is_due() -> None:
    queue = make_queue()
    queue.put(other("theirs", due=0))
    queue.put(own("mine", due=1))
    assert [queue.pop(1), queue.pop(1)] == ["mine", "theirs"]


def test_a_run_that_was_put_again_counts_once_with_its_new_time() -> None:
    queue = make_queue()
    queue.put(own("run", due=1))
    queue.put(own("run", due=4))
    assert len(queue) == 1
    assert queue.pop(2) is None
    assert queue.pop(4) == "run"
    assert queue.pop(9) is None


def test_a_removed_run_is_not_served() -> None:
    queue = make_queue()
    queue.put(own("mine"))
    queue.put(other("theirs"))
    queue.remove("mine")
    queue.remove("theirs")
    assert queue.pop(9) is None
    assert queue.next_due() is None


def test_others_runs_that_are_due_stay_due_until_they_are_taken() -> None:
    queue = make_queue()
    queue.put(other("one"))
    queue.put(other("two"))
    assert queue.pop(1) is not None
    assert queue.next_due() == 0


def test_tickets_that_others_made_stale_do_not_pile_up() -> None:
    queue = make_queue()
    queue.put(other("kept", due=1e9))
    for number in range(100_000):
        queue.put(other(f"run-{number}", due=1))
        queue.remove(f"run-{number}")
    assert queue.count_kept() < 3000
    assert queue.pop(1e9) == "kept"

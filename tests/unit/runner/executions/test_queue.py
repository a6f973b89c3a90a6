from scriptorium_runner.executions.queue import Queue, Shares, Ticket


def make_queue() -> Queue:
    return Queue(draw=lambda size: size - 1)


def own(uid: str, due: float = 0, script: str = "") -> Ticket:
    return Ticket(due=due, created=due, uid=uid, script=script)


def other(uid: str, due: float = 0, script: str = "") -> Ticket:
    return Ticket(due=due, created=due, uid=uid, is_own=False, script=script)


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


def test_a_script_that_holds_its_share_lets_the_others_before() -> None:
    queue = make_queue()
    for ticket in (own("a-1", 1, "a"), own("a-2", 2, "a"), own("b-1", 3, "b")):
        queue.put(ticket)
    assert queue.pop(9, Shares({"a": 2}, 2)) == "b-1"
    assert queue.pop(9, Shares({"a": 2, "b": 1}, 2)) == "a-1"
    assert queue.pop(9, Shares({"a": 1}, 2)) == "a-2"


def test_a_script_below_its_share_is_served_first_also_if_its_run_is_anothers() -> None:
    queue = make_queue()
    for ticket in (own("mine", 1, "a"), other("theirs", 1, "b")):
        queue.put(ticket)
    assert queue.pop(9, Shares({"a": 2}, 2)) == "theirs"
    assert queue.pop(9, Shares({"a": 2}, 2)) == "mine"


def test_of_scripts_that_all_hold_their_share_the_one_with_the_fewest_is_next() -> None:
    queue = make_queue()
    for ticket in (own("a-1", 1, "a"), own("b-1", 2, "b")):
        queue.put(ticket)
    assert queue.pop(9, Shares({"a": 3, "b": 2}, 1)) == "b-1"


def test_others_runs_are_drawn_among_scripts_and_then_among_their_runs() -> None:
    queue = Queue(draw=lambda size: 0)
    for number in range(50):
        queue.put(other(f"a-{number}", 1, "a"))
    queue.put(other("b-1", 1, "b"))
    popped = [queue.pop(9, Shares({"a": 1}, 1)), queue.pop(9, Shares({"a": 1}, 1))]
    assert popped == ["b-1", "a-0"]


def test_runs_of_many_scripts_are_served_in_the_order_they_came() -> None:
    queue = make_queue()
    for number in range(300):
        queue.put(own(f"run-{number}", number, f"script-{number}"))
    assert [queue.pop(1e9) for _ in range(301)] == [f"run-{number}" for number in range(300)] + [None]

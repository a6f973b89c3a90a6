from scriptorium_runner.executions import turn

RUNNERS = ["a", "b", "c"]


def test_every_runner_has_its_own_place_in_the_order() -> None:
    for run in range(50):
        assert sorted(turn.rank(f"run-{run}", runner, RUNNERS) for runner in RUNNERS) == [0, 1, 2]


def test_each_runner_goes_first_for_its_share_of_the_runs() -> None:
    firsts = [next(r for r in RUNNERS if turn.rank(f"run-{n}", r, RUNNERS) == 0) for n in range(600)]
    assert all(150 < firsts.count(runner) < 250 for runner in RUNNERS)


def test_the_order_of_the_others_stays_when_a_runner_leaves() -> None:
    for run in range(50):
        before = sorted(RUNNERS, key=lambda runner: turn.rank(f"run-{run}", runner, RUNNERS))
        left = [runner for runner in RUNNERS if runner != "b"]
        after = sorted(left, key=lambda runner: turn.rank(f"run-{run}", runner, left))
        assert after == [runner for runner in before if runner != "b"]


def test_a_runner_that_is_not_ready_comes_after_all_others() -> None:
    assert turn.rank("run-1", "new", RUNNERS) == 3


def test_a_runner_alone_goes_first_even_before_it_is_known_as_ready() -> None:
    assert turn.rank("run-1", "new", []) == 0

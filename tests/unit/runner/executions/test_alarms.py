from scriptorium_runner.executions.alarms import Alarms


def test_alarms_go_off_in_order_once_their_moment_has_come() -> None:
    alarms = Alarms(lambda _: True)
    for uid, moment in (("late", 3.0), ("first", 1.0), ("second", 2.0)):
        alarms.put(uid, moment)
    assert alarms.next_moment() == 1.0
    assert list(alarms.pop_due(2.5)) == ["first", "second"]
    assert alarms.next_moment() == 3.0


def test_without_alarms_there_is_no_next_moment() -> None:
    assert Alarms(lambda _: True).next_moment() is None


def test_alarms_of_runs_that_are_gone_do_not_pile_up() -> None:
    open_runs = {"kept"}
    alarms = Alarms(lambda uid: uid in open_runs)
    alarms.put("kept", 1e9)
    for number in range(100_000):
        alarms.put(f"run-{number}", 300.0)
    assert len(alarms) < 3000
    assert "kept" in list(alarms.pop_due(1e9))

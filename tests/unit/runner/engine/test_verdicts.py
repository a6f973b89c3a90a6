"""What is remembered of sources: that they are, or are not, JavaScript."""

import pytest

from scriptorium_api.reasons import Reason
from scriptorium_runner.engine import Limits, Program, ScriptError, verdicts
from scriptorium_runner.engine.verdicts import VerdictCache
from tests.unit.runner.engine.engines import make_engine, run

ERROR = ScriptError(name="SyntaxError", message="unexpected token", line=1, column=5)


def test_a_verdict_is_kept_for_its_source_alone():
    cache = VerdictCache(10)
    cache.keep("let = 1", ERROR)
    cache.keep("let a = 1", None)
    assert cache.look_up("let = 1") == (True, ERROR)
    assert cache.look_up("let a = 1") == (True, None)
    assert cache.look_up("let a = 2") == (False, None)
    assert (cache.hits, cache.misses, len(cache)) == (2, 1, 2)


def test_what_was_not_asked_for_longest_goes_first():
    cache = VerdictCache(2)
    for source in ("a", "b"):
        cache.keep(source, None)
    cache.look_up("a")
    cache.keep("c", None)
    assert [cache.look_up(source)[0] for source in ("a", "b", "c")] == [True, False, True]


def test_a_cache_of_no_size_keeps_nothing():
    cache = VerdictCache(0)
    cache.keep("a", ERROR)
    assert cache.find_error("a") is None


def test_another_engine_judges_anew(monkeypatch: pytest.MonkeyPatch):
    cache = VerdictCache(10)
    cache.keep("a", ERROR)
    monkeypatch.setattr(verdicts, "find_judge", lambda: b"quickjs-ng 0.99\n")
    assert cache.look_up("a") == (False, None)


async def test_a_source_is_parsed_once():
    async with make_engine(pool_size=1) as engine:
        first = await engine.validate_syntax("let let = 1")
        spawned = engine.stats().spawned
        assert [await engine.validate_syntax("let let = 1") for _ in range(5)] == [first] * 5
        assert first is not None
        assert first.line == 1
        stats = engine.stats()
        assert (stats.spawned, stats.cache_hits, stats.cache_misses, stats.cache_entries) == (
            spawned,
            5,
            1,
            1,
        )


async def test_a_run_of_what_is_known_to_be_no_javascript_takes_no_worker():
    async with make_engine(pool_size=1) as engine:
        first, second = await run(engine, "let let = 1"), await run(engine, "let let = 1")
        assert (second.reason, second.error) == (Reason.SYNTAX_ERROR, first.error)
        assert (first.started_at is None, second.started_at is None) == (False, True)
        assert (await run(engine, "let a = 1; return a")).output == {"value": 1}


async def test_a_script_that_throws_a_syntax_error_of_its_own_is_run_each_time():
    async with make_engine(pool_size=1) as engine:
        source = "if (input.bad) throw new SyntaxError('mine'); return 1"
        for value, reason in ((True, Reason.SCRIPT_ERROR), (False, Reason.COMPLETED)):
            program = Program(source=source, owner="a")
            result = await engine.execute(program, {"input": {"bad": value}}, Limits())
            assert result.reason is reason


async def test_no_verdict_is_kept_where_there_was_none():
    async with make_engine(pool_size=1) as engine:
        limits = Limits(memory_mb=8)
        program = Program(source=f"return [{'1,' * 1_000_000}].length", owner="a")
        assert (await engine.execute(program, {}, limits)).reason is Reason.MEMORY_LIMIT
        assert engine.stats().cache_entries == 0

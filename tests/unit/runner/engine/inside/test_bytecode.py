"""Our own sources are compiled once; where that cannot be done as expected, they are evaluated as ever."""

import os

import pytest

from scriptorium_runner.engine import HttpRequest, Limits, Program
from scriptorium_runner.engine.inside import native
from scriptorium_runner.engine.inside.bytecode import Compiled, compile_all
from scriptorium_runner.engine.inside.worlds import compile_prelude
from tests.unit.runner.engine.engines import make_engine, run
from tests.unit.runner.engine.processes import list_children


def test_a_compiled_source_has_the_value_of_the_source():
    (compiled,) = compile_all("(a, b) => [a + b, typeof port]")
    assert compiled.code is not None
    context = native.Context()
    assert compiled.evaluate(context)(1, 2).json() == '[3,"undefined"]'
    assert (
        context.eval("Object.getOwnPropertyNames(globalThis).filter((n) => n.startsWith('__')).length") == 0
    )


def test_the_prelude_is_compiled_on_this_engine():
    found = compile_prelude()
    assert found.core.code is not None
    assert found.utils.code is not None
    assert found.request.code is not None


def test_bytecode_is_without_the_text_of_its_functions():
    (compiled,) = compile_all("() => () => 'an inner function'.length")
    assert compiled.code is not None
    assert b"=>" not in compiled.code
    assert compiled.evaluate(native.Context())()() == 17


def test_bytecode_is_what_runs_and_not_the_source():
    (compiled,) = compile_all("() => 1")
    assert Compiled("() => 2", compiled.code).evaluate(native.Context())() == 1
    assert Compiled("() => 2").evaluate(native.Context())() == 2


@pytest.mark.parametrize(
    "fault",
    [
        "bytecode._VERSION = b'0.18.0'",
        "bytecode._works = lambda source: False",
        "bytecode._works = lambda source: __import__('os').abort()",
        "bytecode._works = lambda source: 1 / 0",
        "bytecode._compile = lambda source: None",
        "bytecode._PROBE = '() => 6 * 8'",
        "bytecode._PROBE = 'let'",
    ],
)
async def test_an_engine_where_it_does_not_work_evaluates_the_source_and_says_so(spoil, caplog, fault):
    caplog.set_level("INFO")
    spoil(fault)
    async with make_engine(pool_size=1) as engine:
        result = await run(engine, "return [utils.uuid().length, typeof console.log]")
        assert result.output == {"value": [36, "function"]}
        asked = Program(source="return 1", owner="b", request=HttpRequest(method="GET", path="/"))
        assert (await engine.execute(asked, {}, Limits(timeout_seconds=20))).response.body == b"1"
    (record,) = [record for record in caplog.records if record.message == "sandbox ready"]
    assert record.bytecode is False


async def test_an_engine_where_it_works_says_so_too(caplog):
    caplog.set_level("INFO")
    async with make_engine(pool_size=1) as engine:
        assert (await run(engine, "return utils.uuid().length")).output == {"value": 36}
    (record,) = [record for record in caplog.records if record.message == "sandbox ready"]
    assert record.bytecode is True


def test_what_does_not_compile_is_left_to_the_one_who_evaluates_it():
    (compiled,) = compile_all("let = ;")
    assert compiled.code is None
    with pytest.raises(native.JSException, match="SyntaxError"):
        compiled.evaluate(native.Context())


def test_a_context_without_memory_says_so_and_is_usable_again():
    (compiled,) = compile_all("() => '" + "x" * 100_000 + "'.length")
    context = native.Context()
    context.set_memory_limit(120_000)
    with pytest.raises((native.JSException, MemoryError)):
        compiled.evaluate(context)
    context.set_memory_limit(10_000_000)
    assert compiled.evaluate(context)() == 100_000


async def test_a_script_sees_nothing_of_how_the_prelude_came_to_it():
    source = "utils; return Object.getOwnPropertyNames(globalThis).filter((name) => name.startsWith('_'))"
    async with make_engine(pool_size=1) as engine:
        for _ in range(3):
            result = await engine.execute(Program(source=source, owner="a"), {}, Limits())
            assert result.output == {"value": []}


def test_trying_leaves_no_process():
    before = list_children(os.getpid())
    compile_all("() => 1")
    # Other tests' engines have their zygotes here, and start no others meanwhile.
    assert list_children(os.getpid()) == before

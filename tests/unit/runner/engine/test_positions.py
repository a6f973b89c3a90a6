import pytest

from scriptorium_runner.engine.inside.prelude import load_prelude, squeeze
from scriptorium_runner.engine.positions import Source, is_function_name, wrap


@pytest.mark.parametrize("name", ["main", "$", "_x1", "validateOrder", "проверить", "a$b"])
def test_an_identifier_may_be_an_entrypoint(name):
    assert is_function_name(name)


@pytest.mark.parametrize(
    "name", ["", "1a", "a b", "a.b", "a()", "return", "await", "let", "a\n", "a/**/", "x;y", "eval"]
)
def test_nothing_else_may_be_an_entrypoint(name):
    assert not is_function_name(name)


def test_the_wrapper_leaves_lines_and_columns_alone():
    assert wrap("return 1", None).split("\n")[1] == "return 1"
    assert wrap("return 1", "main").split("\n")[1] == "return 1"


@pytest.mark.parametrize(
    ("engine", "author"),
    [
        ((2, 1), (1, 1)),
        ((3, 4), (2, 4)),
        ((2, 10), (1, 7)),
        ((4, 2), (2, 6)),
        ((9, 9), (2, 6)),
        ((2, 0), (1, 1)),
        ((2, 500), (1, 8)),
    ],
)
def test_an_engines_position_is_translated_to_the_authors(engine, author):
    assert Source("// é😀!\nabcde").locate(*engine) == author


def test_only_the_authors_frames_are_kept():
    stack = (
        "    at toJSON (<input>:3:2)\n    at stringify (native)\n    at finish (<input>:1:99)\n"
        "    at <input>:7:7\n    at junk\n    at map (native)\n    at <anonymous> (<input>:2:1)\n"
    )
    assert Source("one\ntwo").translate_stack(stack) == (
        "    at toJSON (script:2:2)\n    at map (native)\n    at <anonymous> (script:1:1)",
        (2, 2),
    )


def test_the_prelude_is_one_line():
    assert squeeze("a;\n\n  // no\n  b;\n") == "a; b;"
    assert "\n" not in load_prelude()

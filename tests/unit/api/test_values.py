"""Values: frozen dataclasses to whoever uses them, at a fraction of what those cost."""

import copy
import os
import pickle
import subprocess
import sys
from dataclasses import asdict, field, fields, replace
from pathlib import Path

import pytest

import scriptorium_api
from scriptorium_api.values import frozen


@frozen
class Place:
    """Where a source went wrong."""

    line: int
    column: int = 1


@frozen(kw_only=True)
class Visitor:
    """Who came, with what nobody should read."""

    name: str
    key: str = field(default="", repr=False)
    times: list[int] = field(default_factory=list, compare=False)


@frozen
class Nothing:
    """A value of a kind of which there is one."""


@frozen
class Loud:
    """A value that says itself what it is."""

    word: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loud) and other.word.upper() == self.word.upper()

    def __hash__(self) -> int:
        return hash(self.word.upper())

    def __repr__(self) -> str:
        return self.word.upper()


def test_values_of_the_same_class_and_fields_are_equal_and_found_in_a_set() -> None:
    assert Place(1, 2) == Place(1, column=2)
    assert Place(1, 2) != Place(1, 3)
    assert {Place(1), Place(1, 1), Place(2)} == {Place(2), Place(1)}
    assert Nothing() == Nothing()
    assert len({Nothing(), Nothing()}) == 1


def test_a_value_is_no_other_class_with_the_same_fields() -> None:
    @frozen
    class Point:
        line: int
        column: int = 1

    assert Place(1, 2) != Point(1, 2)
    assert Place(1, 2) != (1, 2)


def test_a_field_that_is_not_compared_tells_no_values_apart() -> None:
    assert Visitor(name="ann", times=[1]) == Visitor(name="ann")
    assert hash(Visitor(name="ann", times=[1])) == hash(Visitor(name="ann"))


def test_a_value_is_shown_by_its_fields_but_for_what_is_not_to_be_read() -> None:
    assert repr(Place(3)) == "Place(line=3, column=1)"
    assert repr(Visitor(name="ann", key="s3cret")) == "Visitor(name='ann', times=[])"
    assert repr(Nothing()) == "Nothing()"


def test_a_value_that_holds_itself_can_be_shown() -> None:
    visitor = Visitor(name="ann")
    visitor.times.append(visitor)
    assert repr(visitor) == "Visitor(name='ann', times=[...])"


def test_what_a_class_says_of_itself_stays() -> None:
    assert Loud("a") == Loud("A")
    assert hash(Loud("a")) == hash(Loud("A"))
    assert repr(Loud("a")) == "A"


def test_a_class_of_keywords_takes_nothing_by_its_place() -> None:
    with pytest.raises(TypeError):
        Visitor("ann")


def test_a_value_has_no_attribute_but_its_fields() -> None:
    with pytest.raises(AttributeError):
        Place(1).colour = "red"


def test_a_default_that_can_change_is_made_anew_for_each() -> None:
    assert Visitor(name="ann").times is not Visitor(name="ann").times


def test_what_is_for_dataclasses_is_for_values_too() -> None:
    assert replace(Place(1), column=5) == Place(1, 5)
    assert asdict(Place(1)) == {"line": 1, "column": 1}
    assert [each.name for each in fields(Place)] == ["line", "column"]
    assert copy.deepcopy(Place(1)) == pickle.loads(pickle.dumps(Place(1))) == Place(1)  # noqa: S301 - our own.
    match Place(7, 8):
        case Place(line, column):
            assert (line, column) == (7, 8)


def test_the_type_checker_keeps_a_value_from_being_changed(tmp_path: Path) -> None:
    changing = tmp_path / "changing.py"
    changing.write_text(
        "from scriptorium_api.values import frozen\n@frozen\nclass Place:\n    line: int\nPlace(1).line = 2\n"
    )
    packages = str(Path(scriptorium_api.__file__).parent.parent)
    said = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "", "--cache-dir", str(tmp_path), str(changing)],
        env={**os.environ, "MYPYPATH": packages},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert 'Property "line" defined in "Place" is read-only' in said

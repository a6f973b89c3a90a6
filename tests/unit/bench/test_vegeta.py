"""What vegeta is told, and what it tells."""

import base64

import pytest

from bench.endpoints import open_loop, vegeta
from bench.endpoints.servers import LeftOut, Server
from bench.endpoints.vegeta import Answer
from tests.cluster import programs
from tests.cluster.errors import Missing

ORDER = vegeta.Order("http://127.0.0.1:80/hello", 250, 1000, "hello")


def make_row(*, place=0, sent=5, status=200, took=7, error="", body=b"hello"):
    encoded = base64.b64encode(body).decode()
    return f"{sent},{status},{took},0,{len(body)},{error},{encoded},,{place},GET,{ORDER.url},"


def parse_one(**changes):
    return vegeta.parse([make_row(**changes)], "hello")[0]


def test_answers_are_told_in_the_order_they_were_sent():
    found = vegeta.parse([make_row(place=1, sent=9), make_row()], "hello")
    assert found == [Answer(0, 5, 7, 200, True, ""), Answer(1, 9, 7, 200, True, "")]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"body": b"other"}, "other"),
        ({"status": 503, "error": "503 Service Unavailable", "body": b""}, "503 Service Unavailable"),
        ({"status": 500, "error": "500 Internal Server Error"}, "hello"),
        ({"status": 0, "error": '"Get ""http://a/"": EOF"', "body": b""}, 'Get "http://a/": EOF'),
    ],
)
def test_only_the_expected_body_with_200_is_right(changes, told):
    answer = parse_one(**changes)
    assert (answer.is_right, answer.told) == (False, told)


def test_what_vegeta_notes_when_all_is_sent_is_no_request():
    end = make_row(place=1, status=0, error="no targets to attack", body=b"")
    assert len(vegeta.parse([make_row(), end, end], "hello")) == 1


def test_the_name_of_the_host_is_told_only_where_it_is_another():
    named = vegeta.Order(ORDER.url, 250, 1000, "hello", "shop.example.com")
    assert "-header=Host: shop.example.com" in vegeta.render_command("vegeta", named, "results")
    assert "-header" not in " ".join(vegeta.render_command("vegeta", ORDER, "results"))


def test_as_many_are_asked_as_the_rate_makes_in_the_time():
    order = open_loop.build_order(Server("ours", "http://127.0.0.1:80", ("hello",)), 250, 4)
    assert order == ORDER


def test_the_version_is_the_one_that_is_pinned_by_hash():
    pinned = f"github.com/tsenart/vegeta/v12 {vegeta.read_version()} h1:"
    assert pinned in (vegeta.PROGRAM.source / "go.sum").read_text()


def test_where_it_cannot_be_built_the_reason_is_told(monkeypatch):
    def refuse(_program):
        raise Missing("Go 1.26 or newer is needed")

    monkeypatch.setattr(programs, "ensure_program", refuse)
    with pytest.raises(LeftOut, match="is needed"):
        vegeta.ensure()


@pytest.fixture
def built():
    """Give the program, where it was built before."""
    try:
        path = programs.cached_path(vegeta.PROGRAM, programs.find_go_version(vegeta.PROGRAM.source))
    except Missing as error:
        pytest.skip(str(error))
    return path if path.exists() else pytest.skip("vegeta was not built here")


def test_just_so_many_are_asked_and_each_is_told(built, moody):
    order = vegeta.Order(moody, 50, 30, "hello")
    found = vegeta.ask(built, order)
    assert [answer.place for answer in found] == list(range(30))
    assert [answer.told for answer in found if answer.status == 200 and not answer.is_right] == ["other"] * 3
    assert len([answer for answer in found if answer.status == 503]) == 3


def test_a_server_that_is_gone_answers_nothing(built, nobody):
    found = vegeta.ask(built, vegeta.Order(nobody, 10, 3, "hello"))
    assert [answer.status for answer in found] == [0, 0, 0]
    assert found[0].told.endswith("connection refused")

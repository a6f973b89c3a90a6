"""Which tokens are asked about at all."""

import pytest

from scriptorium_runner.endpoints.calls import Call, Headers, Problem
from scriptorium_runner.endpoints.invoke.tokens import MOST_TOKEN, read_token


def read(*values: str) -> str | Problem:
    headers: Headers = tuple(("authorization", value) for value in values)
    return read_token(Call(id="1", method="POST", host="", raw_path="/", headers=headers))


@pytest.mark.parametrize(
    "token", ["a.b.c", "abc==", "A-Z_~+/9", "x" * MOST_TOKEN], ids=["jwt", "padded", "signs", "longest"]
)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_read_as_it_is(scheme: str, token: str) -> None:
    assert read(f"{scheme} {token}") == token


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Bearer  a",),
        ("Bearer a b",),
        ("Bearer a,Bearer b",),
        ("Bearer a\tb",),
        ("Bearer a\x7f",),
        ("Bearer a\n",),
        ("Bearer ä",),
        ("Bearer =a",),
        ("Basic YTpi",),
        ("Bearer a", "Bearer a"),
        ("Bearer " + "x" * (MOST_TOKEN + 1),),
    ],
    ids=repr,
)
def test_anything_else_is_nobodys(values: tuple[str, ...]) -> None:
    found = read(*values)
    assert isinstance(found, Problem)
    assert (found.status, dict(found.headers)) == (401, {"WWW-Authenticate": 'Bearer realm="kubernetes"'})
    assert "xxx" not in found.detail

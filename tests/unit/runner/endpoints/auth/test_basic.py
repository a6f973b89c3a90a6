"""Users and passwords as RFC 7617 has them."""

import base64

import pytest

from scriptorium_runner.endpoints.auth import Admitted, Refused, basic
from tests.support.callers import FixedSecrets, decide, make_call, make_ways, write_basic

WAYS = make_ways({"basic": {"secretRef": {"name": "users"}}})
#: The last two are the examples of RFC 7617, 2 and 2.1.
USERS = {
    "ada": b"enigma\n",
    "admin": b"pass:word",
    "nobody": b"",
    "blank": b"\n",
    "bell": b"pass\aword",
    "Aladdin": b"open sesame",
    "test": "123£".encode(),
}
SECRETS = FixedSecrets(users=USERS)


@pytest.mark.parametrize(
    ("sent", "user"),
    [
        ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin"),
        ("Basic dGVzdDoxMjPCow==", "test"),
        ("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin"),
        ("BASIC  QWxhZGRpbjpvcGVuIHNlc2FtZQ== ", "Aladdin"),
    ],
)
async def test_the_examples_of_the_rfc_are_read(sent: str, user: str) -> None:
    answer = await decide(WAYS, make_call(("authorization", sent)), SECRETS)
    assert answer == Admitted({"id": user}, f"basic:{user}")


async def test_a_password_may_have_colons_and_its_file_a_newline() -> None:
    assert isinstance(await decide(WAYS, make_call(write_basic("admin", "pass:word")), SECRETS), Admitted)
    assert isinstance(await decide(WAYS, make_call(write_basic("ada", "enigma")), SECRETS), Admitted)


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("ada", ""),
        ("ada", "wrong"),
        ("ada", "enigma\n"),
        ("ada", "enigma\0"),
        ("ada\0", "enigma"),
        ("ADA", "enigma"),
        ("", "enigma"),
        ("", ""),
        ("nobody", ""),
        ("blank", ""),
        ("blank", "\n"),
        # RFC 7617 has no control characters, whatever the Secret holds.
        ("bell", "pass\aword"),
        ("stranger", "enigma"),
        # Compatibility forms and invisible characters that some normalisation makes "ada" of.
        ("\uff41\uff44\uff41", "enigma"),
        ("ad\u00aaa", "enigma"),
        ("a\u00adda", "enigma"),
        ("ada\u200b", "enigma"),
        # The pound sign in two code points that look like one is another password.
        ("test", "123\uffe1"),
        ("a" * 20_000, "enigma"),
    ],
)
async def test_what_does_not_go_together_is_refused(user: str, password: str) -> None:
    answer = await decide(WAYS, make_call(write_basic(user, password)), SECRETS)
    assert isinstance(answer, Refused)
    assert answer.status == 401


@pytest.mark.parametrize(
    "sent",
    [
        "Basic",
        "Basic ",
        "Basic =",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",
        "Basic QWxhZGRpbjpvcGVu\tIHNlc2FtZQ==",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==,Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        'Basic "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="',
        "Basic\tQWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode("test:123£".encode("latin-1")).decode(),
        "Basic \u00b2\udcff",
    ],
)
async def test_what_is_no_basic_is_refused(sent: str) -> None:
    answer = await decide(WAYS, make_call(("authorization", sent)), SECRETS)
    assert isinstance(answer, Refused)
    assert answer.status == 401


@pytest.mark.parametrize("other", ["Basic x", "Bearer x", ""])
async def test_two_authorization_headers_are_refused(other: str) -> None:
    for headers in (
        [write_basic("ada", "enigma"), ("authorization", other)],
        [("authorization", other), write_basic("ada", "enigma")],
    ):
        answer = await decide(WAYS, make_call(*headers), SECRETS)
        assert isinstance(answer, Refused)
        assert answer.status == 400


def test_every_user_is_compared_whoever_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    compare = basic.equality.hmac.compare_digest

    def count(one: bytes, other: bytes) -> bool:
        compared[-1] += 1
        assert len(one) == len(other) == 32
        return compare(one, other)

    monkeypatch.setattr(basic.equality.hmac, "compare_digest", count)
    for user, password in ((b"ada", b"enigma"), (b"ada", b"x"), (b"stranger", b"enigma"), (b"", b"")):
        compared.append(0)
        basic.find_user((user, password), USERS)
    assert set(compared) == {2 * len(USERS)}

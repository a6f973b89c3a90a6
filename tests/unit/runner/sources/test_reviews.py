"""What goes to the API server about a caller, and what its answers mean."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml

from scriptorium_api.execution import Requester
from scriptorium_client import Client, Config, load_config
from scriptorium_client.resources import SELF_SUBJECT_REVIEWS
from scriptorium_runner.endpoints.invoke.ports import Admitted, Forbidden, ReviewFailed, Unknown
from scriptorium_runner.sources import reviews
from scriptorium_runner.sources.reviews import TokenReviews
from tests.support.certificates import Authority
from tests.support.ports import free_port
from tests.unit.runner.sources.reviewing_server import MAY, WHO, ApiServer, serving


async def review(server: ApiServer, token: str = "callers.token") -> Any:  # noqa: S107
    config = Config(f"http://127.0.0.1:{server.port}", "team", None, token="the-runners-own")  # noqa: S106
    return await TokenReviews(config, "team").review(token)


async def test_the_caller_is_asked_about_with_the_callers_token_alone() -> None:
    async with serving(ApiServer()) as server:
        assert await review(server) == Admitted(Requester(name="ada", uid="ada-uid"))
    assert [each.authorization for each in server.asked] == [["Bearer callers.token"]] * 2
    assert "the-runners-own" not in json.dumps([vars(each) for each in server.asked])


async def test_what_is_asked_is_whether_they_may_create_runs_in_this_namespace() -> None:
    async with serving(ApiServer()) as server:
        await review(server)
    who, may = server.asked
    assert (who.path, who.body["kind"], may.path) == (WHO, "SelfSubjectReview", MAY)
    assert may.body["spec"]["resourceAttributes"] == {
        "namespace": "team",
        "verb": "create",
        "group": "scriptorium.dev",
        "resource": "scriptexecutions",
    }


@pytest.mark.parametrize(
    "status", [{"allowed": False}, {"allowed": False, "denied": True}, {}, {"allowed": "true"}]
)
async def test_who_may_not_create_runs_is_refused_by_name(status: dict[str, Any]) -> None:
    async with serving(ApiServer(status=status)) as server:
        assert await review(server) == Forbidden("ada")


@pytest.mark.parametrize(
    "user",
    [
        {"username": "system:anonymous", "groups": ["system:unauthenticated"]},
        {"username": "", "groups": []},
        {"groups": ["system:authenticated"]},
    ],
    ids=["anonymous", "empty", "nameless"],
)
async def test_nobody_in_particular_is_not_let_in(user: dict[str, Any]) -> None:
    async with serving(ApiServer(user=user)) as server:
        assert await review(server) == Unknown()
    assert len(server.asked) == 1


async def test_a_user_without_uid_is_known_by_name_and_one_with_an_endless_name_not_at_all() -> None:
    async with serving(ApiServer(user={"username": "kubernetes-admin"})) as server:
        assert await review(server) == Admitted(Requester(name="kubernetes-admin"))
        server.user = {"username": "x" * 1025}
        assert await review(server) == Forbidden("x" * 253)


@pytest.mark.parametrize("path", [WHO, MAY])
async def test_a_token_that_is_refused_is_nobodys(path: str) -> None:
    async with serving(ApiServer(codes={path: 401})) as server:
        assert await review(server) == Unknown()


@pytest.mark.parametrize("path", [WHO, MAY])
async def test_who_may_not_even_ask_is_refused(path: str) -> None:
    async with serving(ApiServer(codes={path: 403})) as server:
        assert await review(server) == Forbidden("")


@pytest.mark.parametrize("path", [WHO, MAY])
@pytest.mark.parametrize("code", [404, 429, 500, 503])
async def test_an_api_server_that_does_not_answer_lets_nobody_in(path: str, code: int) -> None:
    async with serving(ApiServer(codes={path: code}, headers={"Retry-After": "7"})) as server:
        with pytest.raises(ReviewFailed) as caught:
            await review(server)
    assert caught.value.retry_after == 7
    assert "callers.token" not in str(caught.value)


async def test_an_answer_that_makes_no_sense_lets_nobody_in() -> None:
    async with serving(ApiServer(user="ada")) as server:  # type: ignore[arg-type]
        with pytest.raises(ReviewFailed):
            await review(server)


async def test_an_api_server_that_is_away_or_silent_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReviewFailed):
        await review(ApiServer(port=free_port()))
    monkeypatch.setattr(reviews, "REVIEW_SECONDS", 0.05)
    async with serving(ApiServer(hold=asyncio.Event())) as server:
        with pytest.raises(ReviewFailed, match="no answer within"):
            await review(server)


async def test_a_certificate_of_the_runners_own_does_not_go_along(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.serve("127.0.0.1")
    tls.load_verify_locations(cadata=authority.pem)
    tls.verify_mode = ssl.CERT_OPTIONAL
    authority.serve("the-runner")
    async with serving(ApiServer(), tls) as server:
        config = load_config(str(write_kubeconfig(tmp_path, authority, server.port)))
        async with Client(config) as own:
            await own.create({"metadata": {}}, SELF_SUBJECT_REVIEWS)
        await TokenReviews(config, "team").review("callers.token")
    ours, *theirs = server.asked
    assert (bool(ours.certificate), ours.authorization) == (True, ["Bearer the-runners-own"])
    assert [(each.certificate, each.authorization) for each in theirs] == [
        (None, ["Bearer callers.token"])
    ] * 2


async def test_another_authority_than_the_clusters_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    authority.serve("the-runner")
    async with serving(ApiServer(), other.serve("127.0.0.1")) as server:
        config = load_config(str(write_kubeconfig(tmp_path, authority, server.port)))
        with pytest.raises(ReviewFailed):
            await TokenReviews(config, "team").review("callers.token")
    assert server.asked == []


def write_kubeconfig(folder: Path, authority: Authority, port: int) -> Path:
    """Write how a runner finds its API server, with a certificate and a token of its own."""
    (folder / "ca.pem").write_text(authority.pem)
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": "ca.pem"}
    user = {
        "client-certificate": "the-runner.pem",
        "client-key": "the-runner.pem",
        "token": "the-runners-own",
    }
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "c", "user": user}],
            }
        )
    )
    return path

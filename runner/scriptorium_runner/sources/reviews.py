"""What the API server says of a token: asked with that token alone, and with no right of ours."""

import asyncio
from typing import Any

from pydantic import ValidationError

from scriptorium_api.execution import Requester
from scriptorium_api.names import GROUP
from scriptorium_client import ApiError, Client, Config
from scriptorium_client import Forbidden as Denied
from scriptorium_client.client import Manifest
from scriptorium_client.resources import (
    EXECUTIONS,
    SELF_SUBJECT_ACCESS_REVIEWS,
    SELF_SUBJECT_REVIEWS,
    Resource,
)
from scriptorium_runner.endpoints.invoke.ports import Admitted, Forbidden, ReviewFailed, Unknown, Verdict

#: Two small questions take milliseconds; somebody waits for the answer.
REVIEW_SECONDS = 5.0

#: Whoever the API server knows is in the group of the others.
_NOBODY = "system:unauthenticated"


class TokenReviews:
    """Asks who a token's account is, and whether it may create runs in this namespace."""

    def __init__(self, config: Config, namespace: str) -> None:
        self._config, self._namespace = config, namespace

    async def review(self, token: str) -> Verdict:
        """Say whose token it is, and whether they may create runs in this namespace; raises ReviewFailed."""
        try:
            async with asyncio.timeout(REVIEW_SECONDS), self._connect(token) as client:
                return await self._ask(client)
        except Denied as error:
            # 403: the API server knows them, and does not even let them ask about themselves.
            return Unknown() if error.status == 401 else Forbidden("")
        except ApiError as error:
            raise ReviewFailed(_describe(error), error.retry_after) from error
        except TimeoutError as error:
            raise ReviewFailed(f"no answer within {REVIEW_SECONDS:g} s") from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ReviewFailed(f"an answer that makes no sense: {type(error).__name__}") from error

    def _connect(self, token: str) -> Client:
        """Give a client for these two questions: it shares no connection and no credential with any other."""
        return Client(self._config.of_bearer(token), user_agent="scriptorium-runner")

    async def _ask(self, client: Client) -> Verdict:
        known = await client.create(_build_review(SELF_SUBJECT_REVIEWS), SELF_SUBJECT_REVIEWS)
        user = known["status"]["userInfo"]
        if _NOBODY in user.get("groups", []) or not user.get("username"):
            return Unknown()
        asked = _build_review(SELF_SUBJECT_ACCESS_REVIEWS) | {
            "spec": {
                "resourceAttributes": {
                    "namespace": self._namespace,
                    "verb": "create",
                    "group": GROUP,
                    "resource": EXECUTIONS.plural,
                }
            }
        }
        answer = await client.create(asked, SELF_SUBJECT_ACCESS_REVIEWS)
        return _judge(user, answer)


def _judge(user: dict[str, Any], answer: Manifest) -> Verdict:
    name: str = user["username"]
    if answer["status"].get("allowed") is not True:
        return Forbidden(name)
    try:
        return Admitted(Requester(name=name, uid=user.get("uid") or None))
    except ValidationError:
        # A run cannot name them, so that nobody could tell who asked for it.
        return Forbidden(name[:253])


def _build_review(resource: Resource) -> Manifest:
    # The client reads the namespace of what it creates from there.
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {}}


def _describe(error: ApiError) -> str:
    """Say what went wrong by its kind alone: what the API server wrote may have the request's words in it."""
    return f"{type(error).__name__}, status {error.status}" if error.status else type(error).__name__

"""Who may call, as the API server said a moment ago: each token is asked about once in a few seconds."""

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import Callable

from scriptorium_runner.endpoints.invoke.ports import Admitted, Reviewer, ReviewFailed, Verdict

#: For so many seconds what the API server said is taken for true: a right that was taken away, or a token
#: whose account is gone, counts for no longer than this.
ADMITTED_SECONDS = 10.0

#: Somebody who has just been given the right shall not wait for it.
REFUSED_SECONDS = 2.0

#: Admissions that are remembered at most, and as many refusals; the oldest go first. Some 200 bytes each.
MOST_VERDICTS = 1024

#: Tokens that are being asked about at once, at most; made-up ones shall not keep the API server busy.
MOST_REVIEWS = 32
#: And so many of one address: whoever makes them up shall not keep others from being asked about.
MOST_OF_ONE = 8


class Verdicts:
    """What the API server said of tokens; the tokens themselves are not kept, only their keyed hashes."""

    def __init__(self, reviewer: Reviewer, clock: Callable[[], float]) -> None:
        self._reviewer, self._clock = reviewer, clock
        # Nobody who sees the hashes can try tokens against them: the key is this process's alone.
        self._key = secrets.token_bytes(32)
        # Apart, so that no number of tokens that are none pushes out those who may call.
        self._admitted: dict[bytes, tuple[float, Verdict]] = {}
        self._refused: dict[bytes, tuple[float, Verdict]] = {}
        self._asking: dict[bytes, asyncio.Task[Verdict]] = {}
        self._askers: Counter[str] = Counter()

    def __len__(self) -> int:
        """Count what is remembered."""
        return len(self._admitted) + len(self._refused)

    async def judge(self, token: str, address: str) -> Verdict:
        """Say whose token it is that came from an address, and whether they may call; raises ReviewFailed."""
        key = hashlib.blake2b(token.encode(), key=self._key, digest_size=32).digest()
        until, verdict = self._admitted.get(key) or self._refused.get(key) or (0.0, None)
        if verdict is not None and self._clock() < until:
            return verdict
        # A caller who goes away does not take the answer from others with the same token.
        return await asyncio.shield(self._asking.get(key) or self._ask(key, token, address))

    async def stop(self) -> None:
        """Ask about nobody any more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _ask(self, key: bytes, token: str, address: str) -> asyncio.Task[Verdict]:
        if len(self._asking) >= MOST_REVIEWS or self._askers[address] >= MOST_OF_ONE:
            raise ReviewFailed("too many tokens are being asked about", retry_after=1)
        # What was true when the question went out may not be so when the answer is here.
        asked = self._clock()
        task = asyncio.create_task(self._reviewer.review(token), name="token review")
        self._asking[key] = task
        self._askers[address] += 1
        task.add_done_callback(lambda done: self._keep(key, asked, done))
        task.add_done_callback(lambda _: self._forget_asker(address))
        return task

    def _forget_asker(self, address: str) -> None:
        self._askers[address] -= 1
        if not self._askers[address]:
            del self._askers[address]

    def _keep(self, key: bytes, asked: float, done: asyncio.Task[Verdict]) -> None:
        self._asking.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        verdict = done.result()
        for each in (self._admitted, self._refused):
            each.pop(key, None)
        is_in = isinstance(verdict, Admitted)
        known, seconds = (self._admitted, ADMITTED_SECONDS) if is_in else (self._refused, REFUSED_SECONDS)
        while len(known) >= MOST_VERDICTS:
            del known[next(iter(known))]
        known[key] = (asked + seconds, verdict)

"""Tables, ratios and verdicts, as text. Pure, but for the head, which asks the machine."""

import math
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.endpoints import constant_rate, open_loop, outcomes, parts, wrk
from bench.endpoints.cases import HELLO, MOST, USUAL, Case, count_clients
from bench.endpoints.outcomes import Outcome
from bench.endpoints.rounds import Key, Measured
from bench.figures import render_ratio


def render_machine(tools: Sequence[tuple[str, str]]) -> list[str]:
    """Say what this is measured on, and by what."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    load = " ".join(f"{each:.2f}" for each in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    return [
        f"{cores} cores, {model[1] if model else platform.machine()}, Linux {platform.release()}",
        f"niceness {os.nice(0)}; load before: {load}",
        ", ".join(f"{name} {version}" for name, version in tools),
        "every other server is one process with one thread for its scripts; wrk has one, on the same cores",
        "the rate is of answers below 400; p90 and p99 count what wrk would have asked while it waited, too",
    ]


def read_version(command: Sequence[str]) -> str:
    """Give the first number that looks like a version in what a program says."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout
    except OSError:
        return "missing"
    found = re.search(r"\d+[.-]\d[\w.-]*", said)
    return found[0] if found else "unknown"


def render_case(case: Case, names: Sequence[str], subject: str, measured: Measured) -> list[str]:
    """Give the tables of a case: each number of clients, each server, and the subject against the others."""
    lines = []
    for clients in case.clients:
        keys = [Key(name, case.name, clients) for name in names]
        found = {key.server: outcomes.sum_up(measured.loads[key]) for key in keys if key in measured.loads}
        lines += ["", _render_head(f"{case.name}, {count_clients(clients)}")]
        for name, outcome in found.items():
            lines.append(_render_outcome(name, outcome))
            lines += _render_check(measured.checks[Key(name, case.name, clients)])
        if (ours := found.get(subject)) is not None:
            others = {name: other for name, other in found.items() if name != subject}
            lines += [_render_ratio(name, ours, other) for name, other in others.items()]
    return lines


def _render_ratio(name: str, ours: Outcome, other: Outcome) -> str:
    # Who answered nothing has no latencies to compare with.
    if not (ours.figures.count and other.figures.count and other.figures.per_second):
        return f"  / {name}: one of the two gave no good answer"
    return render_ratio(f"  / {name}", ours.figures, other.figures)


def _render_head(title: str) -> str:
    return f"{title:<26} {'p50':>11} {'p99':>11} {'rate':>12} {'p90':>11} {'max':>11}  errors"


def _render_outcome(name: str, outcome: Outcome) -> str:
    figures = outcome.figures
    errors = ", ".join(f"{count} {kind}" for kind, count in outcome.errors.items() if count) or "0"
    return (
        f"{name:<26} {figures.p50 * 1000:8.2f} ms {figures.p99 * 1000:8.2f} ms {figures.per_second:10.1f}/s"
        f" {outcome.p90 * 1000:8.2f} ms {outcome.max * 1000:8.1f} ms  {errors}"
    )


def _render_check(check: wrk.Check) -> list[str]:
    """Say what was found in the answers, where it is not all right."""
    found = {
        "wrong": check.wrong,
        "refused with 429 or 503": check.refused,
        f"not answered within {wrk.PATIENCE_SECONDS} s": check.unanswered,
        "connections that failed": check.broken,
    }
    told = [f"{count} {what}" for what, count in found.items() if count]
    if not told:
        return []
    example = f"; such as: {check.example}" if check.example else ""
    return [f"  looked at apart: {check.right} right, {', '.join(told)}{example}"]


def render_checked(measured: Measured) -> str:
    """Say how many answers were looked at."""
    checks = measured.checks.values()
    right = sum(check.right for check in checks)
    others = sum(check.bad + check.refused for check in checks)
    return f"answers looked at: {right} right, {others} others"


def render_open_loop(subjects: Sequence[str], opened: open_loop.Measured) -> list[str]:
    """Give the tables of what was asked on time: each rate, each server."""
    rates = dict.fromkeys(key.rate for key in opened)
    return [
        "",
        f"open loop: {HELLO.name}, at shares of what {' and '.join(subjects)} did at {count_clients(USUAL)}",
        "times are from the moment each was due; what is not right, or never came, counts as slower than all",
        "99 % were sent later than due by at most `sent late`: so much of the times can be the generator's",
        *(line for rate in rates for line in _render_rate(rate, opened)),
    ]


def _render_rate(rate: constant_rate.Rate, opened: open_loop.Measured) -> list[str]:
    title = f"{rate.per_second}/s, {rate.share:.0%}"
    heads = " ".join(f"{name:>11}" for name in ("p50", "p99", "p99.9", "max", "sent late"))
    found = {key.server: constant_rate.sum_up(runs) for key, runs in opened.items() if key.rate == rate}
    rows = [_render_on_time(name, outcome) for name, outcome in found.items()]
    return ["", f"{title:<26} {heads} {'rate':>12}  not right", *rows]


def _render_on_time(name: str, outcome: constant_rate.Outcome) -> str:
    times = (outcome.p50, outcome.p99, outcome.p999, outcome.max, outcome.late)
    others = ", ".join(f"{count} {kind}" for kind, count in outcome.others.items()) or "0"
    example = f", such as: {outcome.example}" if outcome.example else ""
    columns = " ".join(_render_time(each) for each in times)
    return f"{name:<26} {columns} {outcome.answered_per_second:10.1f}/s  {others} of {outcome.count}{example}"


def _render_time(seconds: float | None) -> str:
    if seconds is None:
        return f"{'too few':>11}"
    return f"{'never':>11}" if seconds == math.inf else f"{seconds * 1000:8.2f} ms"


def render_memory(measured: Measured) -> list[str]:
    """Say what each server held before and after the most clients."""
    told = {name: held for name, held in measured.memory.items() if held}
    if not told:
        return []
    lines = ["", f"memory in MiB: before {MOST} clients > after each round; of all its processes"]
    for name, held in told.items():
        own, all_ = (
            " ".join(f"{each:.1f}" for each in (values))
            for values in ([each.own for each in held], [each.all for each in held])
        )
        lines.append(f"{name:<26} {own.replace(' ', ' > ', 1)}; {all_.replace(' ', ' > ', 1)}")
    return lines


def render_parts(measured: Measured) -> list[str]:
    """Say what the time went to, where a server tells."""
    lines = []
    for name, spent in measured.spent.items():
        lines += ["", f"what the time of {name} went to", *parts.render(spent)]
    return lines


def render_verdicts(name: str, verdicts: Sequence[outcomes.Verdict]) -> list[str]:
    """Say what of a server is as required, and what not."""
    words = {True: "yes", False: "NO", None: "unknown"}
    return [
        "",
        f"required of {name}",
        *(f"  {words[each.is_so]:<8} {each.what}: {each.found}" for each in verdicts),
    ]

"""Good and bad manifests: one table that the models and the real API server have to agree on."""

from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

LONGEST_NAME = "n" * 63


def script(name: str = "sample", **spec: Any) -> Manifest:
    """Give a Script's manifest with this spec."""
    return _manifest("Script", name, spec)


def execution(name: str = "sample", **spec: Any) -> Manifest:
    """Give a ScriptExecution's manifest with this spec."""
    return _manifest("ScriptExecution", name, spec)


def slot_run(**spec: Any) -> Manifest:
    """Give the manifest of a run of a slot, as whoever fires it makes it, with this spec beside."""
    owner = {
        "apiVersion": "scriptorium.dev/v1alpha1",
        "kind": "CronScript",
        "name": "nightly",
        "uid": "7d3f1c52-8d0e-4c5b-9a3b-1f7f5a0c9e11",
        "controller": True,
        "blockOwnerDeletion": False,
    }
    metadata = {"labels": {"scriptorium.dev/cron-script": "nightly"}, "ownerReferences": [owner]}
    fired_by = {"cronScript": "nightly", "scheduledTime": "2030-01-01T00:12:00Z"}
    run = execution("nightly-31556892", scriptRef={"name": "hello"}, firedBy=fired_by, **spec)
    return run | {"metadata": run["metadata"] | metadata}


def cron(name: str = "sample", **spec: Any) -> Manifest:
    """Give a CronScript's manifest with this spec: each day, if it does not say otherwise."""
    return _manifest("CronScript", name, {"schedule": "@daily"} | spec)


def endpoint(name: str = "sample", **spec: Any) -> Manifest:
    """Give an Endpoint's manifest with this spec."""
    return _manifest("Endpoint", name, spec)


def pool(name: str = "default", **spec: Any) -> Manifest:
    """Give a RunnerPool's manifest with this spec."""
    return _manifest("RunnerPool", name, spec)


def _manifest(kind: str, name: str, spec: Manifest) -> Manifest:
    return {"apiVersion": "scriptorium.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def nested(levels: int) -> Manifest:
    """Give an object that is this many levels deep."""
    value: Manifest = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@dataclass(frozen=True, slots=True)
class Bad:
    """A manifest that has to be refused, with words that both refusals have to say."""

    manifest: Manifest
    words: str


RUN: Manifest = {"scriptRef": {"name": "hello"}}
SLOT = "2026-11-21T02:30:00Z"
CODE: Manifest = {"source": "return 1"}
SECRET: Manifest = {"secretKeyRef": {"name": "payment", "key": "api-key"}}
FROM: Manifest = {"sourceFrom": {"configMapKeyRef": {"name": "code", "key": "main.js"}}}


def with_env(*env: Manifest) -> Manifest:
    """Give the manifest of a Script with these entries of env."""
    return script(**CODE, env=list(env))


def allowing(*hosts: str) -> Manifest:
    """Give the manifest of a Script that may call these hosts."""
    return script(**CODE, permissions={"http": {"allow": list(hosts)}})


def from_key(name: str, key: str) -> Manifest:
    """Give an entry of env that takes its value from a Secret's key."""
    return {"name": "A", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}


GOOD: dict[str, Manifest] = {
    "a script": script(**CODE),
    "a script from a ConfigMap": script(**FROM),
    "a script with everything": script(
        **CODE,
        entrypoint="$main_1",
        description="Says one.",
        suspend=True,
        limits={"timeoutSeconds": 3600, "memoryMB": 1024, "outputKB": 64, "logKB": 64},
    ),
    "a script with values of every kind": with_env(
        {"name": "_a1", "value": ""},
        {"name": "LONG", "value": "é" * 512},
        {"name": "SECRET", "valueFrom": SECRET},
        {"name": "MAP", "valueFrom": {"configMapKeyRef": {"name": "a.b-c", "key": ".dockerconfig_1.json"}}},
    ),
    "a script with as many values as can be": with_env(
        *({"name": f"N{number}", "value": "x" * 1024} for number in range(64))
    ),
    "a script that may call hosts": script(
        **CODE,
        permissions={
            "http": {
                "allow": [
                    "api.example.com",
                    "*.example.com:8443",
                    "_a.example.com",
                    "10.1.2.3",
                    "[fd00::1]:80",
                ]
            }
        },
    ),
    "a script whose name is as long as can be": script(LONGEST_NAME, **CODE),
    "a source as large as can be, in bytes": script(source="é" * 32768),
    "a source with every kind of character": script(source="return `\t\r\n\u2028 😀`"),
    "a run": execution(**RUN),
    "a run with input of every type": execution(
        **RUN, input={"a": None, "b": [1, "x", {"c": True}], "d": 1.5, "e": {}}
    ),
    "a run with empty input": execution(**RUN, input={}),
    "a run with a key, a retry and a time to live": execution(
        **RUN,
        idempotencyKey="orders/2026-11-21:17+a@b_c.d",
        retry={"limit": 20, "backoffSeconds": 1, "maxBackoffSeconds": 86400},
        ttlSecondsAfterFinished=0,
    ),
    "a script that keeps no history": script(**CODE, successfulRunsHistoryLimit=0, failedRunsHistoryLimit=0),
    "a run with input as deep as can run": execution(**RUN, input=nested(150)),
    # Its run ends as InputInvalid: a schema cannot count levels.
    "a run with input deeper than that": execution(**RUN, input=nested(160)),
    "a run with deadlines": execution(**RUN, timeoutSeconds=1, startDeadlineSeconds=1),
    "a run with its own source": execution(**CODE, entrypoint="main", limits={"memoryMB": 8}),
    # Of whoever runs the tests: the API server lets nobody name another.
    "a run that names its requester": execution(**RUN, requestedBy={"name": "kubernetes-admin"}),
    "a run that is cancelled already": execution(**RUN, cancel=True),
    "a run whose name is as long as can be": execution(LONGEST_NAME, **RUN),
    "a run of what a schedule runs": execution(cronScriptRef={"name": "nightly"}),
    "a run of a slot": execution(**RUN, firedBy={"cronScript": "nightly", "scheduledTime": SLOT}),
    "a run of a schedule's Job that was started by hand": execution(**RUN, firedBy={"cronScript": "nightly"}),
    "a schedule": cron(**RUN),
    "a schedule with its own script": cron(script=CODE | {"limits": {"memoryMB": 8}}),
    "a jitter of an hour": cron(**RUN, jitterSeconds=3600),
    "a schedule with everything": cron(
        **RUN,
        schedule="*/15,7 8-18/2 1,15 jan-Mar,12 ?",
        timeZone="America/Argentina/Buenos_Aires",
        input={"a": [1]},
        concurrencyPolicy="Replace",
        startingDeadlineSeconds=10,
        missedRuns="RunAll",
        suspend=True,
        timeoutSeconds=5,
        retry={"limit": 2},
        jitterSeconds=300,
        executor="Job",
        resources={"limits": {"memory": "1Gi"}},
        nodeSelector={"disk": "ssd"},
        tolerations=[{"key": "team", "operator": "Exists"}],
        successfulRunsHistoryLimit=0,
        failedRunsHistoryLimit=1000,
    ),
    "a schedule for the pool": cron(**RUN, executor="Pool"),
    "a schedule of names": cron(**RUN, schedule="0\t09  * FEB,nov Mon-FRI"),
    "a schedule at the ends of every field": cron(**RUN, schedule="0-59/59 00-23 01-31/1 1-12 0-6"),
    "a schedule whose name is as long as can be": cron("n" * 52, **RUN),
    "a schedule in a zone without hours of its own": cron(**RUN, timeZone="Etc/GMT+12"),
    "a pool": pool(),
    "a pool with everything": pool(
        replicas=3,
        workersPerRunner=100,
        resources={"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "1.5Gi"}},
        nodeSelector={"disk": "ssd"},
        tolerations=[{"key": "team", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
    ),
}

BAD: dict[str, Bad] = {
    "a script without any source": Bad(script(), "exactly one of source and sourceFrom"),
    "a script with two sources": Bad(script(**CODE, **FROM), "exactly one of source and sourceFrom"),
    "a script without a spec": Bad(
        {"apiVersion": "scriptorium.dev/v1alpha1", "kind": "Script", "metadata": {"name": "sample"}}, "spec"
    ),
    "an empty source": Bad(script(source=""), "spec.source"),
    "a source that is too large": Bad(script(source="x" * 65537), "at most 65536 bytes"),
    "a source that is too large in bytes only": Bad(script(source="é" * 32769), "at most 65536 bytes"),
    "a source with NUL": Bad(script(source="return '\0'"), "NUL"),
    "a source that is not text": Bad(script(source=1), "spec.source"),
    "a host that is a URL": Bad(allowing("https://api.example.com/"), "permissions.http.allow[0]"),
    "a host that is no full name": Bad(allowing("localhost"), "permissions.http.allow[0]"),
    "a host in capitals": Bad(allowing("API.example.com"), "permissions.http.allow[0]"),
    "all hosts": Bad(allowing("*"), "permissions.http.allow[0]"),
    "all hosts of a kind": Bad(allowing("*.com"), "permissions.http.allow[0]"),
    "a host in numbers that is no address": Bad(allowing("127.1"), "permissions.http.allow[0]"),
    "a host with a port that is none": Bad(allowing("a.example.com:65536"), "permissions.http.allow[0]"),
    "a host that is no IPv6 address": Bad(allowing("[1::2::3]"), "permissions.http.allow[0]"),
    "a metadata service": Bad(allowing("169.254.169.254"), "no script can reach"),
    "loopback": Bad(allowing("127.0.0.1:8081"), "no script can reach"),
    "loopback in IPv6": Bad(allowing("[::1]"), "no script can reach"),
    "an unknown field in a spec": Bad(script(**CODE, sauce="x"), "spec.sauce"),
    "an unknown field deep down": Bad(script(**CODE, limits={"memoryMb": 5}), "spec.limits.memoryMb"),
    "a limit of zero": Bad(script(**CODE, limits={"timeoutSeconds": 0}), "spec.limits.timeoutSeconds"),
    "a limit above its maximum": Bad(script(**CODE, limits={"memoryMB": 1025}), "spec.limits.memoryMB"),
    "a limit as text": Bad(script(**CODE, limits={"logKB": "16"}), "spec.limits.logKB"),
    "a limit with a fraction": Bad(script(**CODE, limits={"logKB": 1.5}), "spec.limits.logKB"),
    "more values than can be": Bad(
        with_env(*({"name": f"N{n}", "value": ""} for n in range(65))), "spec.env"
    ),
    "two values of one name": Bad(
        with_env({"name": "A", "value": "1"}, {"name": "A", "value": "2"}), "Duplicate value"
    ),
    "a name without a value": Bad(with_env({"name": "A"}), "exactly one of value and valueFrom"),
    "a name with two values": Bad(
        with_env({"name": "A", "value": "1", "valueFrom": SECRET}), "exactly one of value and valueFrom"
    ),
    "a value from nowhere": Bad(
        with_env({"name": "A", "valueFrom": {}}), "exactly one of secretKeyRef and configMapKeyRef"
    ),
    "a value from two places": Bad(
        with_env({"name": "A", "valueFrom": SECRET | {"configMapKeyRef": {"name": "a", "key": "b"}}}),
        "exactly one of secretKeyRef and configMapKeyRef",
    ),
    "a value that is no text": Bad(with_env({"name": "A", "value": 1}), "spec.env[0].value"),
    "a value that is too large": Bad(with_env({"name": "A", "value": "x" * 1025}), "spec.env[0].value"),
    "a value that is too large in bytes only": Bad(
        with_env({"name": "A", "value": "é" * 513}), "at most 1024 bytes"
    ),
    "a name that is no identifier": Bad(with_env({"name": "A-B", "value": ""}), "spec.env[0].name"),
    "a name that begins with a digit": Bad(with_env({"name": "1A", "value": ""}), "spec.env[0].name"),
    "an empty name": Bad(with_env({"name": "", "value": ""}), "spec.env[0].name"),
    "a Secret's name that leads elsewhere": Bad(
        with_env(from_key("../other", "key")), "spec.env[0].valueFrom.secretKeyRef.name"
    ),
    "a key that leads elsewhere": Bad(
        with_env(from_key("payment", "../key")), "spec.env[0].valueFrom.secretKeyRef.key"
    ),
    "a key that Kubernetes keeps for itself": Bad(
        with_env(from_key("payment", "..data")), "spec.env[0].valueFrom.secretKeyRef.key"
    ),
    "a Secret of another namespace": Bad(
        with_env({"name": "A", "valueFrom": {"secretKeyRef": SECRET["secretKeyRef"] | {"namespace": "b"}}}),
        "spec.env[0].valueFrom.secretKeyRef.namespace",
    ),
    "env of a run": Bad(execution(**CODE, env=[{"name": "A", "value": "1"}]), "spec.env"),
    "an entrypoint that is code": Bad(script(**CODE, entrypoint="a;b"), "spec.entrypoint"),
    "a ConfigMap reference without a key": Bad(
        script(sourceFrom={"configMapKeyRef": {"name": "code"}}), "spec.sourceFrom.configMapKeyRef.key"
    ),
    "a script name that is too long": Bad(script("n" * 64, **CODE), "at most 63 characters"),
    "a run of nothing": Bad(execution(), "exactly one of scriptRef, source and cronScriptRef"),
    "a run of two things": Bad(
        execution(**RUN, **CODE), "exactly one of scriptRef, source and cronScriptRef"
    ),
    "a run that sets the Script's limits": Bad(execution(**RUN, limits={"memoryMB": 8}), "go with source"),
    "a run that sets the Script's entrypoint": Bad(execution(**RUN, entrypoint="x"), "go with source"),
    "a key that needs escapes": Bad(execution(**RUN, idempotencyKey="a,b"), "spec.idempotencyKey"),
    "an empty key": Bad(execution(**RUN, idempotencyKey=""), "spec.idempotencyKey"),
    "a key of a run without a script": Bad(execution(source="1", idempotencyKey="a"), "goes with scriptRef"),
    "more retries than are kept": Bad(execution(**RUN, retry={"limit": 21}), "spec.retry.limit"),
    "a retry without a pause": Bad(
        execution(**RUN, retry={"backoffSeconds": 0}), "spec.retry.backoffSeconds"
    ),
    "a negative time to live": Bad(
        execution(**RUN, ttlSecondsAfterFinished=-1), "spec.ttlSecondsAfterFinished"
    ),
    "a history limit that is too large": Bad(
        script(**CODE, failedRunsHistoryLimit=1001), "spec.failedRunsHistoryLimit"
    ),
    "input that is not an object": Bad(execution(**RUN, input=[1]), "spec.input"),
    "a reference without a name": Bad(execution(scriptRef={}), "spec.scriptRef.name"),
    "a reference into another namespace": Bad(
        execution(scriptRef={"name": "hello", "namespace": "other"}), "spec.scriptRef.namespace"
    ),
    "a run name that is too long": Bad(execution("n" * 64, **RUN), "at most 63 characters"),
    "a deadline of zero": Bad(execution(**RUN, startDeadlineSeconds=0), "spec.startDeadlineSeconds"),
    "a requester without a name": Bad(execution(**RUN, requestedBy={"uid": "1"}), "spec.requestedBy.name"),
    "a requester with an empty name": Bad(
        execution(**RUN, requestedBy={"name": ""}), "spec.requestedBy.name"
    ),
    "a requester as text": Bad(execution(**RUN, requestedBy="ada"), "spec.requestedBy"),
    "a requester with groups": Bad(
        execution(**RUN, requestedBy={"name": "ada", "groups": []}), "spec.requestedBy.groups"
    ),
    "a source with NUL in a run": Bad(execution(source="\0"), "NUL"),
    "a run of a Script and a schedule": Bad(
        execution(**RUN, cronScriptRef={"name": "nightly"}),
        "exactly one of scriptRef, source and cronScriptRef",
    ),
    "a run of a schedule with its own input": Bad(
        execution(cronScriptRef={"name": "nightly"}, input={}), "are the CronScript's"
    ),
    "a run of a schedule with its own retry": Bad(
        execution(cronScriptRef={"name": "nightly"}, retry={}), "are the CronScript's"
    ),
    "a run of a schedule with its own timeout": Bad(
        execution(cronScriptRef={"name": "nightly"}, timeoutSeconds=1), "are the CronScript's"
    ),
    "a run of a schedule whose name is too long": Bad(
        execution(cronScriptRef={"name": "n" * 53}), "spec.cronScriptRef.name"
    ),
    "a slot of its own source": Bad(execution(**CODE, firedBy={"cronScript": "a"}), "goes with scriptRef"),
    "a slot at no time": Bad(
        execution(**RUN, firedBy={"cronScript": "a", "scheduledTime": "noon"}), "spec.firedBy.scheduledTime"
    ),
    "a schedule of nothing": Bad(cron(), "exactly one of scriptRef and script"),
    "a schedule of two things": Bad(cron(**RUN, script=CODE), "exactly one of scriptRef and script"),
    "a schedule whose script has no source": Bad(cron(script={}), "exactly one of source and sourceFrom"),
    "a schedule whose script keeps history": Bad(
        cron(script=CODE | {"successfulRunsHistoryLimit": 1}), "spec.script.successfulRunsHistoryLimit"
    ),
    "a schedule without a schedule": Bad(_manifest("CronScript", "sample", RUN), "spec.schedule"),
    "an empty schedule": Bad(cron(**RUN, schedule=""), "spec.schedule"),
    "a schedule of four fields": Bad(cron(**RUN, schedule="* * * *"), "must have five fields"),
    "a schedule with seconds": Bad(cron(**RUN, schedule="0 * * * * *"), "must have five fields"),
    "a schedule with spaces around it": Bad(cron(**RUN, schedule=" @daily"), "must have five fields"),
    "an unknown macro": Bad(cron(**RUN, schedule="@reboot"), "must have five fields"),
    "an interval": Bad(cron(**RUN, schedule="@every 5m"), "must have five fields"),
    "a schedule with a time zone": Bad(
        cron(**RUN, schedule="TZ=Europe/Berlin 0 8 * * *"), "put it into timeZone"
    ),
    "a schedule with a time zone, the other way": Bad(
        cron(**RUN, schedule="CRON_TZ=UTC 0 8 * * *"), "put it into timeZone"
    ),
    "a minute that is none": Bad(cron(**RUN, schedule="60 * * * *"), "the minute must be 0-59"),
    "an hour that is none": Bad(cron(**RUN, schedule="0 24 * * *"), "the hour must be 0-23"),
    "a day that is none": Bad(cron(**RUN, schedule="0 0 0 * *"), "the day of the month must be 1-31"),
    "a month that is none": Bad(cron(**RUN, schedule="0 0 1 13 *"), "the month must be 1-12"),
    "a Sunday that is 7": Bad(cron(**RUN, schedule="0 0 * * 7"), "the day of the week must be 0-6"),
    "a step of zero": Bad(cron(**RUN, schedule="*/0 * * * *"), "the minute must be 0-59"),
    "an empty item of a list": Bad(cron(**RUN, schedule="1,,2 * * * *"), "the minute must be 0-59"),
    "a name in another field's place": Bad(cron(**RUN, schedule="0 0 mon * *"), "the day of the month must"),
    "a schedule that is too long": Bad(cron(**RUN, schedule="1," * 127 + "1 * * * *"), "spec.schedule"),
    "a time zone that is a file's name": Bad(cron(**RUN, timeZone="../etc/passwd"), "spec.timeZone"),
    "the machine's time zone": Bad(cron(**RUN, timeZone="Local"), "timeZone must be the name of a time zone"),
    "an empty time zone": Bad(cron(**RUN, timeZone=""), "spec.timeZone"),
    "an unknown policy": Bad(cron(**RUN, concurrencyPolicy="Queue"), "spec.concurrencyPolicy"),
    "a deadline that might never be met": Bad(
        cron(**RUN, startingDeadlineSeconds=9), "spec.startingDeadlineSeconds"
    ),
    "a jitter of more than an hour": Bad(cron(**RUN, jitterSeconds=3601), "spec.jitterSeconds"),
    "a place for the pool's runs": Bad(
        cron(**RUN, executor="Pool", nodeSelector={"disk": "ssd"}), "go with executor: Job"
    ),
    "a schedule that reaches into another namespace": Bad(
        cron(scriptRef={"name": "hello", "namespace": "other"}), "spec.scriptRef.namespace"
    ),
    "a schedule with a pod template": Bad(cron(**RUN, jobTemplate={}), "spec.jobTemplate"),
    "a schedule with an account": Bad(cron(**RUN, serviceAccountName="admin"), "spec.serviceAccountName"),
    "a schedule whose name is too long": Bad(cron("n" * 53, **RUN), "at most 52 characters"),
    "a pool of another name": Bad(pool("fast"), "named default"),
    "a pool with too many runners": Bad(pool(replicas=101), "spec.replicas"),
    "memory that is not a quantity": Bad(
        pool(resources={"limits": {"memory": "lots"}}), "spec.resources.limits.memory"
    ),
    "a pod template": Bad(pool(template={"spec": {}}), "spec.template"),
    "a service account": Bad(pool(serviceAccountName="admin"), "spec.serviceAccountName"),
}

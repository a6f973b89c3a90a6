-- One row a finished run. `object` is the whole ScriptExecution as JSON, so that a new field needs no column.
CREATE TABLE IF NOT EXISTS executions (
    uid        TEXT PRIMARY KEY,
    namespace  TEXT NOT NULL,
    name       TEXT NOT NULL,
    script     TEXT,
    phase      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    completed  TEXT NOT NULL,
    object     TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS executions_by_time ON executions (completed);
-- One row a request that was answered. Never what its caller or its script may want to keep to themselves:
-- bodies, the query, headers.
CREATE TABLE IF NOT EXISTS requests (
    number          INTEGER PRIMARY KEY,
    time            TEXT NOT NULL,
    request_id      TEXT NOT NULL,
    method          TEXT NOT NULL,
    path            TEXT NOT NULL,
    status          INTEGER NOT NULL,
    duration_ms     REAL NOT NULL,
    namespace       TEXT,
    endpoint        TEXT,
    script          TEXT,
    script_version  INTEGER,
    script_hash     TEXT,
    rejected        TEXT,
    error           TEXT,
    error_message   TEXT
);

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

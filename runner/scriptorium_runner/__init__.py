"""The runner: takes executions, runs their JavaScript in sandboxed workers, writes back the result."""

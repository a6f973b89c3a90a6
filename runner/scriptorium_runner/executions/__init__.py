"""Taking executions: decide what may start, run it, settle what came of it."""

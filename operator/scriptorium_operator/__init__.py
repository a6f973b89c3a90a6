"""The operator: turns Scriptorium's objects into what runs them, and is never in the data path."""

"""What scripts may ask of the runner: one file for each API, and the registry of what one run has."""

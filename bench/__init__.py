"""Side-by-side measurements: each against the floor of the platform, in the same run."""

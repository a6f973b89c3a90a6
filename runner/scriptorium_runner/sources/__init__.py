"""Where Scripts and runs come from, and where statuses go."""

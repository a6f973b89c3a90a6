"""What a runner does that has a pod of its own: one run, or one slot of a schedule, to its end."""

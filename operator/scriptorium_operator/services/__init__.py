"""The verbs: gather facts, decide, build, hand over to a gateway."""

"""A real Kubernetes for the tests: kind where Docker works, otherwise one made of its parts."""

"""The edge: kopf's events and the kubelet's probes."""

"""`scriptorium dev`: the same manifests on this machine, without a cluster."""

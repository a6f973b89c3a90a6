"""The other servers: each as small as it can be, one process, one thread for its scripts."""

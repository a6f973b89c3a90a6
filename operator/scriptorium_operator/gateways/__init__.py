"""All that leaves the process: the cluster, and the sealed process that checks syntax."""

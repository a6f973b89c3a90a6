"""A small Kubernetes client over aiohttp: what the operator and the runner both speak."""

"""Builds the images of a werf.yaml, publishes and exports them, with digests as outputs."""

__version__ = "0.1.0"

"""``python -m exporter``."""

from exporter.cli import console

console()

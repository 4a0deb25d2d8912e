"""Where the vectors are: ``EXPORTER_VECTORS``, else ``../shared/vectors`` beside the project."""

import os
from pathlib import Path

VECTORS = Path(
    os.environ.get("EXPORTER_VECTORS")
    or Path(__file__).resolve().parents[2].parent / "shared" / "vectors"
)

"""The export of three images under three tags that the crash tests start and kill."""

import sys

from exporter.export import Export, ExportJob, ExportPolicy
from exporter.oci.mutate import Mutation
from exporter.oci.reference import Repository
from exporter.registry.client import RegistryClient


def main(near: str, far: str, stages: str = "project/stages", out: str = "out/app") -> int:
    """Export from ``near`` to both; 0 when everything is in place."""
    source = Repository(registry=near, name=stages)
    here, there = (Repository(registry=address, name=out) for address in (near, far))
    jobs = [
        ExportJob(
            image=f"image{number}",
            source=source.tag(f"stage-{number}"),
            destinations=(
                here.tag(f"a{number}"),
                here.tag(f"b{number}"),
                there.tag(f"a{number}"),
            ),
            mutation=Mutation(remove_label_prefixes=("werf",)),
        )
        for number in range(3)
    ]
    with RegistryClient() as client:
        export = Export(client, jobs, ExportPolicy())
        export.run()
    return 0 if export.error is None else 5


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

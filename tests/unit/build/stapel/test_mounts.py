"""Labels by which mounts are inherited."""

from exporter.build.stapel.mounts import Mounted, labels, mounted
from exporter.errors import Place
from exporter.project.models.mounts import Mount


def _mount(kind: str, to: str, path: str = "") -> Mount:
    return Mount(place=Place(path="werf.yaml"), kind=kind, from_path=path, to=to)  # type: ignore[arg-type]  # one of the kinds


def test_mounts_become_labels_and_labels_mounts() -> None:
    found = labels(
        [_mount("tmp_dir", "/t/"), _mount("build_dir", "/b"), _mount("custom_dir", "/h", "/a/b")],
        {"werf-mount-type-tmp-dir": "/old", "other": "x"},
    )
    assert found == {
        "werf-mount-type-tmp-dir": "/old;/t",
        "werf-mount-type-build-dir": "/b",
        "werf-mount-type-custom-dir---a--b": "/h",
    }
    assert mounted(found) == (
        Mounted(kind="build_dir", source="", target="/b"),
        Mounted(kind="custom_dir", source="/a/b", target="/h"),
        Mounted(kind="tmp_dir", source="", target="/old"),
        Mounted(kind="tmp_dir", source="", target="/t"),
    )

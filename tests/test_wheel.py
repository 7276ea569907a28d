"""The wheel holds what workers on other machines need: all modules, and the files beside them."""

import pathlib
import tempfile
import zipfile

from portable_beam import build_wheel
from sample_slice import PROJECT

PACKAGES = ("pipeline", "components", "models")


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(tmp_path: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory(dir=PROJECT / "pipeline_root") as root:  # a run leaves such files there
        pathlib.Path(root, "schema.pbtxt").touch()
        built = build_wheel(tmp_path)
    with zipfile.ZipFile(built) as wheel:
        held = {name: wheel.read(name) for name in wheel.namelist() if ".dist-info/" not in name}
    files = [file for package in PACKAGES for file in (PROJECT / package).rglob("*") if file.is_file()]
    ours = {str(file.relative_to(PROJECT)): file.read_bytes() for file in files if file.suffix != ".pyc"}
    assert {"components/schema.pbtxt", "components/transform.py", "components/report/templates/page.html"} <= set(ours)
    assert held == ours

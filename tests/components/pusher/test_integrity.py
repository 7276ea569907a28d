"""A version on disk: every byte that changed is found."""

import dataclasses
import pathlib
import random
import shutil

import pytest
from pushes import FILES, push

from components.pusher.integrity import find_integrity_errors, hash_file
from components.pusher.manifest import decode_manifest, encode_manifest, hash_manifest, read_manifest


@pytest.fixture
def version(base: pathlib.Path, model: pathlib.Path) -> pathlib.Path:
    return base / str(push(base, model).version)


def _describe(version: pathlib.Path, recorded_sha256: str | None = None) -> dict[str, str]:
    return {error.file: error.message for error in find_integrity_errors(version, recorded_sha256)}


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_byte_flipped_anywhere_is_found(version: pathlib.Path, name: str) -> None:
    draw, path = random.Random(name), version / name
    whole = path.read_bytes()
    for _ in range(40):
        position, flip = draw.randrange(len(whole)), draw.randrange(1, 256)
        path.write_bytes(whole[:position] + bytes([whole[position] ^ flip]) + whole[position + 1 :])
        [(file, message)] = _describe(version).items()
        assert file == name
        assert "was changed" in message
    path.write_bytes(whole)
    assert _describe(version, hash_manifest(read_manifest(version))) == {}


def test_every_single_byte_of_the_manifest_counts(version: pathlib.Path) -> None:
    whole = (version / "manifest.json").read_bytes()
    for position in range(len(whole)):
        for replacement in (bytes([whole[position] ^ 1]), b""):
            with pytest.raises(ValueError, match=r".+"):
                decode_manifest(whole[:position] + replacement + whole[position + 1 :])


def test_missing_added_linked_and_resized_files_are_named(version: pathlib.Path, model: pathlib.Path) -> None:
    (version / "variables" / "variables.index").unlink()
    (version / "lite").mkdir()
    (version / "lite" / "model_int8.tflite").write_bytes(b"?")
    (version / "variables" / "link").symlink_to("/etc")
    (version / "README.md").unlink()
    (version / "README.md").symlink_to(model / "README.md")
    (version / "saved_model.pb").write_bytes(b"graph")
    assert _describe(version) == {
        "README.md": "is not a regular file",
        "lite/model_int8.tflite": "is not in the manifest",
        "saved_model.pb": "was changed: it has 5 bytes instead of 4,995",
        "variables/link": "is not in the manifest",
        "variables/variables.index": "is missing",
    }
    shutil.rmtree(version / "variables")
    (version / "variables").symlink_to("variables")  # cannot be read, even by root
    assert _describe(version)["variables/variables.index"] == "cannot be read: Too many levels of symbolic links"
    (version / "manifest.json").unlink()
    assert _describe(version) == {"manifest.json": "is missing, so this version cannot be verified"}


def test_a_manifest_forged_to_match_changed_files_is_found_by_ml_metadata(version: pathlib.Path) -> None:
    recorded = hash_manifest(read_manifest(version))
    (version / "README.md").write_bytes(b"# B card\n")
    manifest = read_manifest(version)
    forged = dataclasses.replace(manifest, files={**manifest.files, "README.md": hash_file(version / "README.md")})
    (version / "manifest.json").write_bytes(encode_manifest(forged))
    assert _describe(version) == {}
    assert "differs from the one in ML Metadata" in _describe(version, recorded)["manifest.json"]


def test_a_version_copied_to_another_number_is_found(version: pathlib.Path) -> None:
    copy = version.rename(version.with_name("77"))
    assert _describe(copy) == {"manifest.json": "is that of version 1000, but its folder is named 77"}

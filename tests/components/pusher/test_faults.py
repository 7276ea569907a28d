"""A version on disk: any byte that changed is found, and said in words."""

import dataclasses
import pathlib
import random

import pytest
from pushes import FILES, push

from components.pusher.faults import find_faults, hash_file
from components.pusher.manifest import decode_manifest, encode_manifest, hash_manifest, read_manifest

FLIPS_A_FILE = 40


@pytest.fixture
def version(base: pathlib.Path, model: pathlib.Path) -> pathlib.Path:
    """A pushed version."""
    return base / str(push(base, model).version)


def test_a_pushed_version_is_whole(version: pathlib.Path) -> None:
    assert find_faults(version) == ()
    assert find_faults(version, hash_manifest(read_manifest(version))) == ()
    assert set(read_manifest(version).files) == set(FILES)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_byte_flipped_anywhere_is_found(version: pathlib.Path, name: str) -> None:
    draw, path = random.Random(name), version / name
    whole = path.read_bytes()
    for _ in range(FLIPS_A_FILE):
        position, flip = draw.randrange(len(whole)), draw.randrange(1, 256)
        path.write_bytes(whole[:position] + bytes([whole[position] ^ flip]) + whole[position + 1 :])
        [fault] = find_faults(version)
        assert fault.file == name
        assert "was changed" in fault.sentence
    path.write_bytes(whole)
    assert find_faults(version) == ()


def test_every_single_byte_of_the_manifest_counts(version: pathlib.Path) -> None:
    whole = (version / "manifest.json").read_bytes()
    for position in range(len(whole)):
        with pytest.raises(ValueError, match=r".+"):
            decode_manifest(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(ValueError, match=r".+"):
            decode_manifest(whole[:position] + whole[position + 1 :])


@pytest.mark.parametrize("change", [b"", b"graph", b"graph" * 999 + b"\n"], ids=["emptied", "cut short", "grown"])
def test_a_file_of_another_size_tells_both_sizes(version: pathlib.Path, change: bytes) -> None:
    (version / "saved_model.pb").write_bytes(change)
    [fault] = find_faults(version)
    assert fault.sentence == f"was changed: it has {len(change):,} bytes instead of 4,995"


def test_missing_and_added_files_are_named(version: pathlib.Path) -> None:
    (version / "variables" / "variables.index").unlink()
    (version / "lite").mkdir()
    (version / "lite" / "model_int8.tflite").write_bytes(b"?")
    (version / "variables" / "link").symlink_to("/etc")
    assert {fault.file: fault.sentence for fault in find_faults(version)} == {
        "lite/model_int8.tflite": "is not in the manifest",
        "variables/link": "is not in the manifest",
        "variables/variables.index": "is missing",
    }


def test_a_link_to_the_same_content_is_no_file_of_the_version(version: pathlib.Path, model: pathlib.Path) -> None:
    (version / "README.md").unlink()
    (version / "README.md").symlink_to(model / "README.md")
    [fault] = find_faults(version)
    assert (fault.file, fault.sentence) == ("README.md", "is no ordinary file")


def test_without_a_manifest_nothing_vouches_for_a_version(version: pathlib.Path) -> None:
    (version / "manifest.json").unlink()
    [fault] = find_faults(version)
    assert fault.sentence == "is missing, so nothing vouches for this version"


def test_a_manifest_made_to_fit_changed_files_is_found_by_ml_metadata(version: pathlib.Path) -> None:
    recorded = hash_manifest(read_manifest(version))
    (version / "README.md").write_bytes(b"# B card\n")
    manifest = read_manifest(version)
    forged = dataclasses.replace(manifest, files={**manifest.files, "README.md": hash_file(version / "README.md")})
    (version / "manifest.json").write_bytes(encode_manifest(forged))
    assert find_faults(version) == ()
    [fault] = find_faults(version, recorded)
    assert fault.sentence == "is not the one that was pushed: ML Metadata keeps another SHA-256 of it"


def test_a_version_copied_to_another_number_is_found(version: pathlib.Path) -> None:
    copy = version.rename(version.with_name("77"))
    [fault] = find_faults(copy)
    assert fault.sentence == "is that of version 1000, but its folder is named 77"

"""`tokenlearner versions verify`, `list` and `rollback`."""

import dataclasses
import getpass
import json
import pathlib
import subprocess
import sys

import pytest
from commands import Command, Mount
from ml_metadata.proto.metadata_store_pb2 import Event, Execution
from recorded_root import RecordedRoot, copy_root, open_store

from components.errors import ExitCode
from components.lock import hold_lock
from components.metadata.pushes import read_pushes
from components.metadata.records import Records
from components.pusher.integrity import find_integrity_errors
from components.pusher.manifest import Rollback, encode_manifest, read_manifest
from components.pusher.versions import find_versions
from pipeline.config import locate_serving_dir

VERSIONS = [1000, 1001, 1002]
RUN_OF_1000 = "2026-02-01T10:00:00.000001"


def test_verify_names_each_damaged_file_and_ends_with_exit_code_3(tokenlearner: Command, root: pathlib.Path) -> None:
    done = tokenlearner("versions", "verify", "--root", root)
    assert done.code == ExitCode.OK
    assert done.out.splitlines() == [
        f"Version {each}: intact, 3 files of 0.00 MB in all." for each in (1000, 1001, 1002)
    ]
    facts = json.loads(tokenlearner("versions", "verify", "1001", "--json", "--root", root).out)
    assert facts == [{"version": 1001, "is_whole": True, "files": 3, "size_bytes": 40, "integrity_errors": []}]
    version = locate_serving_dir(root) / "1001"
    (version / "saved_model.pb").write_text("2026-02-02T10:00:00.000002")
    (version / "README.md").unlink()
    (version / "extra").write_text("")
    done = tokenlearner("versions", "verify", "--root", root)
    assert done.code == ExitCode.BAD_DATA
    assert done.out.splitlines()[1:4] == [
        "Version 1001: README.md is missing.",
        "Version 1001: extra is not in the manifest.",
        "Version 1001: saved_model.pb was changed: its SHA-256 is not the one in the manifest.",
    ]
    assert "Damaged: 1001; `tokenlearner versions rollback VERSION` serves an intact one" in done.words
    assert tokenlearner("versions", "verify", "1000", "--root", root).code == ExitCode.OK
    done = tokenlearner("versions", "verify", "1001", "--json", "--root", root)
    assert done.code == ExitCode.BAD_DATA
    errors = json.loads(done.out)[0]["integrity_errors"]
    assert [error["file"] for error in errors] == ["README.md", "extra", "saved_model.pb"]


def test_a_manifest_that_is_whole_in_itself_is_compared_with_ml_metadata(
    tokenlearner: Command, root: pathlib.Path
) -> None:
    path = locate_serving_dir(root) / "1001" / "manifest.json"
    path.write_bytes(encode_manifest(dataclasses.replace(read_manifest(path.parent), run_id="another")))
    assert tokenlearner("versions", "verify", "1001", "--root", root).code == ExitCode.BAD_DATA
    (root / "metadata.sqlite").unlink()
    assert tokenlearner("versions", "verify", "1001", "--root", root).code == ExitCode.OK


def test_a_list_shows_model_and_state_of_each_version(tokenlearner: Command, root: pathlib.Path) -> None:
    base = locate_serving_dir(root)
    (base / "1000" / "saved_model.pb").write_text("?")
    (base / "7").mkdir()
    done = tokenlearner("versions", "list", "--root", root)
    assert done.code == ExitCode.OK
    assert "7 - - - - no manifest" in done.words
    assert "50.0% damaged" in done.words
    rows = [line.split() for line in done.out.splitlines() if line.split()[:1] in (["1000"], ["1001"], ["1002"])]
    assert [row[3] for row in rows] == ["token_learner-8@2"] * 3  # in one piece
    assert max(len(line.rstrip()) for line in done.out.splitlines() if not line.startswith("Version")) <= 80
    assert "Version 1000: saved_model.pb was changed: it has 1 bytes instead of 26." in done.words
    assert "Version 7: manifest.json is missing, so this version cannot be verified." in done.words
    facts = json.loads(tokenlearner("versions", "list", "--json", "--root", root).out)
    assert [(each["version"], each["is_whole"], each["is_served"], each["is_baseline"]) for each in facts] == [
        (7, False, False, False),
        (1000, False, False, False),
        (1001, True, False, True),
        (1002, True, True, False),
    ]
    assert (facts[3]["run_id"], facts[3]["point"]) == ("2026-02-03T10:00:00.000001", "token_learner-8@2")
    assert (facts[3]["test_accuracy"]["value"], facts[3]["rollback"]) == (0.5, None)
    assert (facts[0]["run_id"], facts[0]["macs"]) == (None, None)


def test_a_rollback_serves_the_older_version_again_and_is_recorded(
    tokenlearner: Command, root: pathlib.Path, served: RecordedRoot
) -> None:
    done = tokenlearner("versions", "rollback", "1000", "--reason", " It errs\non cats. ", "--root", root)
    assert done.code == ExitCode.OK, done.err
    base, user = locate_serving_dir(root), getpass.getuser()
    newest = max(find_versions(base))
    assert newest > 1002
    assert f"Version {newest}, a copy of 1000, is served now instead of 1002." in done.words
    manifest = read_manifest(base / str(newest))
    assert manifest.rollback == Rollback(copy_of=1000, rolled_back_from=1002, who=user, reason="It errs on cats.")
    assert (base / str(newest) / "saved_model.pb").read_text() == RUN_OF_1000
    assert manifest.files == read_manifest(base / "1000").files
    assert find_integrity_errors(base / str(newest)) == ()
    assert tokenlearner("versions", "verify", "--root", root).code == ExitCode.OK
    shown = tokenlearner("versions", "list", "--root", root).words
    assert f"a copy of 1000, rolled back from 1002 by {user}: It errs on cats." in shown

    store = open_store(root)
    execution = store.get_executions()[-1]
    assert execution.last_known_state == Execution.COMPLETE
    assert execution.custom_properties["who"].string_value == user
    assert execution.custom_properties["reason"].string_value == "It errs on cats."
    events = store.get_events_by_execution_ids([execution.id])
    kinds = [(event.type, event.path.steps[0].key) for event in events]
    assert kinds == [(Event.INPUT, "pushed_model"), (Event.INPUT, "model"), (Event.OUTPUT, "pushed_model")]
    [made] = store.get_artifacts_by_id([events[-1].artifact_id])
    assert made.type == "PushedModel"
    assert made.custom_properties["pushed_version"].string_value == str(newest)
    assert pathlib.Path(made.custom_properties["pushed_destination"].string_value) == base / str(newest)
    assert pathlib.Path(made.uri).is_dir()
    contexts = {(context.type, context.name) for context in store.get_contexts_by_artifact(made.id)}
    expected = {
        ("pipeline", "tokenlearner-quick"),
        ("pipeline_run", RUN_OF_1000),
        ("node", "tokenlearner-quick.Rollback"),
    }
    assert contexts == expected
    last = read_pushes(Records(root / "metadata.sqlite"))[-1]
    replaced = served.artifact("model").id
    assert last.version == newest
    assert list(last.rolled_back) == [replaced]
    assert last.rolled_back[replaced].startswith("version 1002 with this model was rolled back by ")


def test_inspect_names_the_version_that_is_served_now_and_the_rollback(
    tokenlearner: Command, root: pathlib.Path
) -> None:
    before = json.loads(tokenlearner("inspect", "lineage", "--json", "--root", root).out)
    assert (before["version"], before["served_version"], before["rollback"]) == ("1002", "1002", None)
    tokenlearner("versions", "rollback", "1000", "--reason", "It errs.", "--root", root)
    newest = str(max(find_versions(locate_serving_dir(root))))
    lineage = json.loads(tokenlearner("inspect", "lineage", "--json", "--root", root).out)
    assert (lineage["version"], lineage["served_version"], lineage["run_id"]) == (newest, newest, RUN_OF_1000)
    assert (lineage["rollback"]["copy_of"], lineage["rollback"]["rolled_back_from"]) == ("1000", "1002")
    makers = {artifact["kind"]: artifact["step"] for artifact in lineage["artifacts"]}
    assert (makers["PushedModel"], makers["Model"]) == ("Pusher", "Trainer")
    sentence = f"Version {newest}, a copy of 1000, replaced 1002, rolled back by {getpass.getuser()} on 20"
    for view in (["lineage"], ["runs"], ["--run", RUN_OF_1000], []):
        done = tokenlearner("inspect", *view, "--root", root)
        assert done.code == ExitCode.OK
        assert sentence in done.words
    older = tokenlearner("inspect", "lineage", "--version", "1002", "--root", root).words
    assert f"Served now is version {newest}." in older
    overview = json.loads(tokenlearner("inspect", "--json", "--root", root).out)
    assert [rollback["why"] for rollback in overview["rollbacks"]] == ["It errs."]
    assert "Rollback" not in [step["name"] for step in overview["steps"]]
    assert len(json.loads(tokenlearner("inspect", "runs", "--json", "--root", root).out)) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("verify", "9"), ExitCode.USAGE, "holds no version 9; it holds 1000, 1001, 1002."),
        (("verify", "newest"), ExitCode.USAGE, "version is newest; it must be a number, see `versions list`, or all."),
        (("rollback", "1002"), ExitCode.USAGE, "version 1002 is the one that is served; name an older one"),
        (("rollback", "1001"), ExitCode.BAD_DATA, "version 1001 is damaged: README.md was changed: it has 1 bytes"),
    ],
)
def test_wrong_usage_is_reported_in_one_line_and_changes_nothing(
    arguments: tuple[str, ...], code: ExitCode, words: str, tokenlearner: Command, root: pathlib.Path
) -> None:
    (locate_serving_dir(root) / "1001" / "README.md").write_text("?")
    done = tokenlearner("versions", *arguments, "--root", root)
    assert done.code == code
    assert done.err.count("\n") == 1
    assert words in done.err
    assert list(find_versions(locate_serving_dir(root))) == VERSIONS
    assert not (root / "Rollback").exists()


def test_a_root_without_versions_or_runs_is_reported(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    for command, words in (
        (("verify",), "no version yet"),
        (("list",), "no version yet"),
        (("rollback", 1), "no run yet"),
    ):
        done = tokenlearner("versions", *command, "--root", tmp_path / "nowhere")
        assert done.code == ExitCode.USAGE
        assert f"holds {words}" in done.words
    assert list(tmp_path.iterdir()) == []


def test_a_run_in_progress_prevents_a_rollback(tokenlearner: Command, root: pathlib.Path) -> None:
    with hold_lock(root / ".lock", "busy"):
        done = tokenlearner("versions", "rollback", "1000", "--root", root)
        assert tokenlearner("versions", "list", "--root", root).code == ExitCode.OK
    assert done.code == ExitCode.USAGE
    assert "another run works in" in done.err
    assert list(find_versions(locate_serving_dir(root))) == VERSIONS


def test_a_version_whose_push_was_killed_before_its_record_can_be_served_again(
    tokenlearner: Command, root: pathlib.Path
) -> None:
    store = open_store(root)
    for artifact in store.get_artifacts_by_type("PushedModel"):
        if artifact.custom_properties["pushed_version"].string_value == "1000":
            artifact.custom_properties.clear()
            store.put_artifacts([artifact])
    done = tokenlearner("versions", "rollback", "1000", "--root", root)
    assert done.code == ExitCode.OK, done.err
    lineage = json.loads(tokenlearner("inspect", "lineage", "--json", "--root", root).out)
    assert lineage["artifacts"][-1]["kind"] == "Model"
    assert lineage["rollback"]["why"] is None


def test_a_damaged_newest_version_can_be_rolled_back(
    tokenlearner: Command, root: pathlib.Path, served: RecordedRoot
) -> None:
    (locate_serving_dir(root) / "1002" / "manifest.json").write_text("{")
    assert tokenlearner("versions", "rollback", "1001", "--root", root).code == ExitCode.OK
    assert list(read_pushes(Records(root / "metadata.sqlite"))[-1].rolled_back) == [served.artifact("model").id]


def test_a_read_only_disk_is_reported(tokenlearner: Command, served: RecordedRoot, mount: Mount) -> None:
    disk = mount("size=4m")
    root = copy_root(served, disk / "root")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    done = tokenlearner("versions", "rollback", "1000", "--root", root)
    assert done.code == ExitCode.STEP_FAILED
    message = f"nothing was rolled back: {root} cannot be written to (Read-only file system)."
    assert done.err == f"tokenlearner: {message}\n"
    assert list(find_versions(locate_serving_dir(root))) == VERSIONS


def test_push_imports_neither_tfx_nor_tensorflow(root: pathlib.Path) -> None:
    script = """
import sys
from pipeline.__main__ import main
root = sys.argv[1]
for command in (["verify"], ["list"], ["rollback", "1000"]):
    sys.argv[1:] = ["push", *command, "--root", root]
    try:
        main()
    except SystemExit as end:
        print(int(end.code), [name for name in ("tensorflow", "tfx", "keras") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script, root], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines().count("0 []") == 3

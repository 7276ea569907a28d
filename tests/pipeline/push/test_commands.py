"""`tokenlearner push verify`, `list` and `rollback`."""

import getpass
import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from commands import Command, Mount
from ml_metadata.proto.metadata_store_pb2 import Event, Execution
from recorded_root import RecordedRoot, open_store

from components.errors import ExitCode
from components.lock import hold_lock
from components.metadata.pushes import read_pushes
from components.metadata.records import Records
from components.pusher.faults import find_faults
from components.pusher.manifest import Rollback, read_manifest
from components.pusher.versions import find_versions
from pipeline.config import locate_serving_dir

RUN_OF_1000 = "2026-02-01T10:00:00.000001"
NOT_THE_RUN_OF_1001 = "2026-02-02T10:00:00.000002"


def _base(root: RecordedRoot) -> pathlib.Path:
    return locate_serving_dir(root.path)


def test_whole_versions_are_told_so(tokenlearner: Command, root: RecordedRoot) -> None:
    done = tokenlearner("push", "verify", "--root", root.path)
    assert done.code == ExitCode.OK
    assert done.out.splitlines() == [
        f"Version {version}: whole, 3 files of 0.00 MB in all." for version in (1000, 1001, 1002)
    ]
    facts = json.loads(tokenlearner("push", "verify", "1001", "--json", "--root", root.path).out)
    assert facts == [{"version": 1001, "is_whole": True, "files": 3, "size_bytes": 40, "faults": []}]


def test_damage_is_told_file_by_file_with_exit_code_3(tokenlearner: Command, root: RecordedRoot) -> None:
    version = _base(root) / "1001"
    (version / "saved_model.pb").write_text(NOT_THE_RUN_OF_1001)
    (version / "README.md").unlink()
    (version / "extra").write_text("")
    done = tokenlearner("push", "verify", "--root", root.path)
    assert done.code == ExitCode.BAD_DATA
    assert done.out.splitlines()[1:4] == [
        "Version 1001: README.md is missing.",
        "Version 1001: extra is not in the manifest.",
        "Version 1001: saved_model.pb was changed: its SHA-256 is not the one in the manifest.",
    ]
    assert "Damaged: 1001; `tokenlearner push rollback VERSION` serves a whole one" in done.words
    assert tokenlearner("push", "verify", "1000", "--root", root.path).code == ExitCode.OK
    done = tokenlearner("push", "verify", "1001", "--json", "--root", root.path)
    assert done.code == ExitCode.BAD_DATA
    [facts] = json.loads(done.out)
    assert [fault["file"] for fault in facts["faults"]] == ["README.md", "extra", "saved_model.pb"]


def test_a_version_exchanged_with_its_manifest_is_found_by_ml_metadata(
    tokenlearner: Command, root: RecordedRoot
) -> None:
    manifest = _base(root) / "1001" / "manifest.json"
    content = manifest.read_text()
    manifest.write_text(content[:-2])
    assert tokenlearner("push", "verify", "1001", "--root", root.path).code == ExitCode.BAD_DATA
    (root.path / "metadata.sqlite").rename(root.path / "away.sqlite")
    manifest.write_text(content)
    assert tokenlearner("push", "verify", "1001", "--root", root.path).code == ExitCode.OK


def test_a_list_tells_model_and_state_of_each_version(tokenlearner: Command, root: RecordedRoot) -> None:
    (_base(root) / "1000" / "saved_model.pb").write_text("?")
    (_base(root) / "7").mkdir()
    done = tokenlearner("push", "list", "--root", root.path)
    assert done.code == ExitCode.OK
    assert "7 - - - - no manifest" in done.words
    assert "50.0% damaged" in done.words
    rows = [line.split() for line in done.out.splitlines() if line.split()[:1] in (["1000"], ["1001"], ["1002"])]
    assert [row[3] for row in rows] == ["token_learner-8@2"] * 3  # in one piece
    assert max(len(line.rstrip()) for line in done.out.splitlines() if not line.startswith("Version")) <= 80
    assert "Version 1000: saved_model.pb was changed: it has 1 bytes instead of 26." in done.words
    assert "Version 7: manifest.json is missing, so nothing vouches for this version." in done.words
    facts = json.loads(tokenlearner("push", "list", "--json", "--root", root.path).out)
    assert [(each["version"], each["is_whole"], each["is_served"], each["is_baseline"]) for each in facts] == [
        (7, False, False, False),
        (1000, False, False, False),
        (1001, True, False, True),
        (1002, True, True, False),
    ]
    assert facts[3]["run_id"] == "2026-02-03T10:00:00.000001"
    assert facts[3]["point"] == "token_learner-8@2"
    assert facts[3]["test_accuracy"]["value"] == 0.5
    assert facts[3]["rollback"] is None
    assert (facts[0]["run_id"], facts[0]["macs"]) == (None, None)


def test_a_rollback_makes_the_older_version_the_newest_again(tokenlearner: Command, root: RecordedRoot) -> None:
    done = tokenlearner("push", "rollback", "1000", "--reason", " It errs\non cats. ", "--root", root.path)
    assert done.code == ExitCode.OK, done.err
    assert "Version 1" in done.out
    base = _base(root)
    newest = max(find_versions(base))
    assert newest > 1002
    manifest = read_manifest(base / str(newest))
    assert manifest.rollback == Rollback(
        copy_of=1000, rolled_back_from=1002, who=getpass.getuser(), reason="It errs on cats."
    )
    assert (base / str(newest) / "saved_model.pb").read_text() == "2026-02-01T10:00:00.000001"
    assert manifest.files == read_manifest(base / "1000").files
    assert find_faults(base / str(newest)) == ()
    assert tokenlearner("push", "verify", "--root", root.path).code == ExitCode.OK
    shown = tokenlearner("push", "list", "--root", root.path).words
    assert f"a copy of 1000, rolled back from 1002 by {getpass.getuser()}: It errs on cats." in shown


def test_ml_metadata_keeps_who_rolled_back_what_and_why(tokenlearner: Command, root: RecordedRoot) -> None:
    tokenlearner("push", "rollback", "1000", "--reason", "It errs.", "--root", root.path)
    store = open_store(root.path)
    execution = store.get_executions()[-1]
    assert execution.last_known_state == Execution.COMPLETE
    assert execution.custom_properties["who"].string_value == getpass.getuser()
    assert execution.custom_properties["reason"].string_value == "It errs."
    events = store.get_events_by_execution_ids([execution.id])
    kinds = [(event.type, event.path.steps[0].key) for event in events]
    assert kinds == [(Event.INPUT, "pushed_model"), (Event.INPUT, "model"), (Event.OUTPUT, "pushed_model")]
    [made] = store.get_artifacts_by_id([events[-1].artifact_id])
    assert made.type == "PushedModel"
    newest = max(find_versions(_base(root)))
    assert made.custom_properties["pushed_version"].string_value == str(newest)
    assert pathlib.Path(made.custom_properties["pushed_destination"].string_value) == _base(root) / str(newest)
    assert pathlib.Path(made.uri).is_dir()
    contexts = {(context.type, context.name) for context in store.get_contexts_by_artifact(made.id)}
    assert contexts == {
        ("pipeline", "tokenlearner-quick"),
        ("pipeline_run", "2026-02-01T10:00:00.000001"),
        ("node", "tokenlearner-quick.Rollback"),
    }
    last = read_pushes(Records(root.path / "metadata.sqlite"))[-1]
    replaced = root.artifact("model").id
    assert last.version == newest
    assert list(last.withheld) == [replaced]
    assert last.withheld[replaced].startswith("version 1002 with this model was rolled back by ")


def test_inspect_names_the_version_that_is_served_now_and_the_rollback(
    tokenlearner: Command, root: RecordedRoot
) -> None:
    before = json.loads(tokenlearner("inspect", "lineage", "--json", "--root", root.path).out)
    assert (before["version"], before["served_version"], before["rollback"]) == ("1002", "1002", None)
    tokenlearner("push", "rollback", "1000", "--reason", "It errs.", "--root", root.path)
    newest = str(max(find_versions(_base(root))))
    lineage = json.loads(tokenlearner("inspect", "lineage", "--json", "--root", root.path).out)
    assert (lineage["version"], lineage["served_version"], lineage["run_id"]) == (newest, newest, RUN_OF_1000)
    assert (lineage["rollback"]["copy_of"], lineage["rollback"]["rolled_back_from"]) == ("1000", "1002")
    makers = {origin["key"]: origin["made_by"] for origin in lineage["origins"]}
    assert makers["pushed_model"] == "Pusher"
    assert makers["model"] == "Trainer"
    sentence = f"Version {newest}, a copy of 1000, replaced 1002, rolled back by {getpass.getuser()} on 20"
    shown = tokenlearner("inspect", "lineage", "--root", root.path).words
    assert sentence in shown
    assert "It is served now." in shown
    older = tokenlearner("inspect", "lineage", "--version", "1002", "--root", root.path).words
    assert f"Served now is version {newest}." in older
    for view in (["runs"], ["--run", RUN_OF_1000], []):
        done = tokenlearner("inspect", *view, "--root", root.path)
        assert done.code == ExitCode.OK
        assert sentence in done.words
    overview = json.loads(tokenlearner("inspect", "--json", "--root", root.path).out)
    assert [rollback["why"] for rollback in overview["rollbacks"]] == ["It errs."]
    assert "Rollback" not in [step["name"] for step in overview["steps"]]
    assert len(json.loads(tokenlearner("inspect", "runs", "--json", "--root", root.path).out)) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("verify", "9"), ExitCode.USAGE, "holds no version 9; there are 1000, 1001, 1002."),
        (("rollback", "9"), ExitCode.USAGE, "holds no version 9; there are 1000, 1001, 1002."),
        (("rollback", "1002"), ExitCode.USAGE, "version 1002 is the one that is served; name an older one"),
        (("rollback", "1001"), ExitCode.BAD_DATA, "version 1001 is damaged: README.md was changed: it has 1 bytes"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence_and_changes_nothing(
    arguments: tuple[str, ...], code: ExitCode, words: str, tokenlearner: Command, root: RecordedRoot
) -> None:
    (_base(root) / "1001" / "README.md").write_text("?")
    done = tokenlearner("push", *arguments, "--root", root.path)
    assert done.code == code
    assert done.err.count("\n") == 1
    assert words in done.err
    assert list(find_versions(_base(root))) == [1000, 1001, 1002]
    assert not (root.path / "Rollback").exists()


def test_a_root_without_versions_or_runs_says_so(tokenlearner: Command, tmp_path: pathlib.Path) -> None:
    for command in (("verify",), ("list",)):
        done = tokenlearner("push", *command, "--root", tmp_path / "nowhere")
        assert done.code == ExitCode.USAGE
        assert "holds no version yet; a `tokenlearner run` whose model is blessed pushes one." in done.words
    done = tokenlearner("push", "rollback", "1", "--root", tmp_path / "nowhere")
    assert done.code == ExitCode.USAGE
    assert "holds no run yet" in done.words
    assert list(tmp_path.iterdir()) == []


def test_a_run_at_work_keeps_the_root(tokenlearner: Command, root: RecordedRoot) -> None:
    with hold_lock(root.path / ".lock", "busy"):
        done = tokenlearner("push", "rollback", "1000", "--root", root.path)
        assert tokenlearner("push", "list", "--root", root.path).code == ExitCode.OK
    assert done.code == ExitCode.USAGE
    assert "another run works in" in done.err
    assert list(find_versions(_base(root))) == [1000, 1001, 1002]


def test_a_version_whose_push_was_killed_before_its_record_can_come_back(
    tokenlearner: Command, root: RecordedRoot
) -> None:
    for artifact in root.store.get_artifacts_by_type("PushedModel"):
        if artifact.custom_properties["pushed_version"].string_value == "1000":
            artifact.custom_properties.clear()
            root.store.put_artifacts([artifact])
    done = tokenlearner("push", "rollback", "1000", "--root", root.path)
    assert done.code == ExitCode.OK, done.err
    lineage = json.loads(tokenlearner("inspect", "lineage", "--json", "--root", root.path).out)
    assert [origin["key"] for origin in lineage["origins"]][-1] == "model"
    assert lineage["rollback"]["why"] is None


def test_a_damaged_newest_version_can_be_rolled_back_from(tokenlearner: Command, root: RecordedRoot) -> None:
    (_base(root) / "1002" / "manifest.json").write_text("{")
    assert tokenlearner("push", "rollback", "1001", "--root", root.path).code == ExitCode.OK
    assert list(read_pushes(Records(root.path / "metadata.sqlite"))[-1].withheld) == [root.artifact("model").id]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("remount,ro", "nothing was rolled back: {disk}/root cannot be written to (Read-only file system)."),
        ("full", "make room on its disk, then run the same command again."),
    ],
    ids=["read-only", "full"],
)
def test_a_disk_that_cannot_be_written_to_is_told_in_one_sentence(
    options: str, words: str, tokenlearner: Command, root: RecordedRoot, mount: Mount
) -> None:
    disk = mount("size=4m")
    shutil.copytree(root.path, disk / "root")
    if options == "full":
        subprocess.run(["dd", "if=/dev/zero", f"of={disk}/ballast", "bs=4k"], capture_output=True, check=False)
    else:
        subprocess.run(["mount", "-o", options, disk], check=True)
    done = tokenlearner("push", "rollback", "1000", "--root", disk / "root")
    assert done.code == ExitCode.STEP_FAILED
    assert done.err.count("\n") == 1
    assert words.format(disk=disk) in done.err
    assert list(find_versions(locate_serving_dir(disk / "root"))) == [1000, 1001, 1002]


def test_push_imports_neither_tfx_nor_tensorflow(root: RecordedRoot) -> None:
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
    done = subprocess.run([sys.executable, "-c", script, root.path], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines().count("0 []") == 3

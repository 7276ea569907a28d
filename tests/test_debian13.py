"""The script behind `make test-next`: its messages and its order of work, with stand-ins for root's tools."""

import pathlib
import subprocess

import pytest
from sample_slice import PROJECT

INSTALLED = ["apt-get update", "apt-get install", "apt-get clean"]


@pytest.fixture
def checkout(tmp_path: pathlib.Path) -> pathlib.Path:
    """A repository with the script, a file that git tracks, and one that it does not."""
    folder = tmp_path / "checkout"
    (folder / "tests").mkdir(parents=True)
    script = folder / "tests" / "debian13.sh"
    script.write_text((PROJECT / "tests" / "debian13.sh").read_text())
    script.chmod(0o755)
    (folder / "tracked").write_text("as committed")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    (folder / "untracked").touch()
    return folder


@pytest.fixture
def calls(tmp_path: pathlib.Path) -> pathlib.Path:
    """The log of the stand-ins: debootstrap and mirror, commands in the tree; without `online` beside it they fail."""
    noted, online = tmp_path / "calls", tmp_path / "online"
    online.touch()
    write_tool(tmp_path, "uname", "echo Linux x86_64")
    write_tool(tmp_path, "id", "echo 0")
    write_tool(tmp_path, "unshare", 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"')
    write_tool(tmp_path, "mount", "")
    write_tool(tmp_path, "apt-config", "")
    write_tool(tmp_path, "apt-get", "echo of-apt; echo of-another-suite")
    write_tool(
        tmp_path,
        "debootstrap",
        f"""[ -e {online} ] || {{ echo "E: no route"; exit 1; }}
        mkdir -p "$3/etc/apt/apt.conf.d" && echo debootstrap "$4" >> {noted}""",
    )
    write_tool(
        tmp_path,
        "chroot",
        f"""tree=$1; shift 3; variables=
        while [ "${{1#*=}}" != "$1" ]; do variables="$variables $1"; shift; done
        if [ "$1" = sh ]; then cd "$tree/checkout" && shift 4 && exec env --ignore-environment $variables "$@"; fi
        [ -e {online} ] && echo "$1" "$2" >> {noted}""",
    )
    return noted


def write_tool(tmp_path: pathlib.Path, name: str, text: str) -> None:
    """Writes a shell script that stands before all others of its name on PATH."""
    path = tmp_path / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def call(checkout: pathlib.Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the script with nothing in the environment but PATH, HOME and these variables."""
    return subprocess.run(
        [str(checkout / "tests" / "debian13.sh"), *arguments],
        cwd=checkout.parent,
        env={"PATH": f"{checkout.parent}/bin:/usr/bin:/bin", "HOME": str(checkout.parent), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("tool", "text", "message"),
    [
        ("uname", "echo Darwin arm64", "A Debian 13 tree for TFX needs Linux on x86_64; this is Darwin arm64."),
        ("id", "echo 1000", "Only root may make and enter a Debian 13 tree: `sudo make test-next`."),
        ("debootstrap", None, "debootstrap is missing: `apt install debootstrap` (Debian, Ubuntu)."),
        (
            "unshare",
            "exit 1",
            "Namespaces, which end its mounts, are refused here (unshare); a container grants them with --privileged.",
        ),
    ],
)
def test_each_missing_need_is_one_message_and_nothing_is_made(
    tool: str, text: str | None, message: str, checkout: pathlib.Path
) -> None:
    path = f"{checkout.parent}/bin"
    if text is None:  # on a PATH of what the script runs until then
        (checkout.parent / "bin" / tool).unlink()
        for needed in ("bash", "env"):
            (checkout.parent / "bin" / needed).symlink_to(f"/usr/bin/{needed}")
    else:
        write_tool(checkout.parent, tool, text)
        path += ":/usr/bin:/bin"
    done = call(checkout, "tree", "true", PATH=path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{message}\n")
    assert not (checkout.parent / "tree").exists()


def test_a_tree_is_made_once_from_the_mirror_of_apt_or_a_named_one(checkout: pathlib.Path, calls: pathlib.Path) -> None:
    done = call(checkout, "folder", "true")
    assert (done.returncode, done.stderr) == (0, "")
    assert calls.read_text().splitlines() == ["debootstrap of-apt", *INSTALLED]
    calls.unlink()
    assert call(checkout, "folder", "true").returncode == 0
    assert not calls.exists()
    assert call(checkout, "other", "true", DEBIAN_MIRROR="of-mine").returncode == 0
    assert calls.read_text().startswith("debootstrap of-mine\n")


@pytest.mark.usefixtures("calls")
def test_the_command_meets_the_tracked_files_as_they_are_now(checkout: pathlib.Path) -> None:
    call(checkout, "folder", "mkdir", "-p", ".venv/bin", "pipeline_root/quick")
    (checkout / "tracked").write_text("as edited")
    done = call(
        checkout, "folder", "sh", "-c", "find . -type d -o -print | sort; find . -name .venv; cat tracked; exit 7"
    )
    assert done.stdout.splitlines() == ["./tests/debian13.sh", "./tracked", "./.venv", "as edited"]
    assert done.returncode == 7

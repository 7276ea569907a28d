"""One process holds a lock, and another may look whether it does."""

import pathlib
import threading
import time

import pytest

from components.lock import LockedError, hold_lock, is_held


def test_a_lock_is_held_by_one_at_a_time_and_can_be_looked_at(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "lock"
    assert not is_held(path)
    assert not path.exists()
    with hold_lock(path, "busy"):
        assert is_held(path)
        with pytest.raises(LockedError, match="busy"), hold_lock(path, "busy"):
            pass
    assert not is_held(path)


def test_looking_turns_nobody_away(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    ends = time.monotonic() + 0.5

    def look() -> None:
        while time.monotonic() < ends:
            is_held(path)
            time.sleep(0.001)

    looker = threading.Thread(target=look)
    looker.start()
    while time.monotonic() < ends:
        with hold_lock(path, "busy"):
            pass
    looker.join()

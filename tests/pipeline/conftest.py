"""Fixtures that tests of the pipeline share."""

import pytest
from commands import Command, Done

from pipeline.__main__ import main


@pytest.fixture
def tokenlearner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `tokenlearner` in this process."""

    def call(*arguments: object) -> Done:
        monkeypatch.setattr("sys.argv", ["tokenlearner", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        written = capsys.readouterr()
        return Done(int(end.value.code or 0), written.out, written.err)

    return call

"""A headless Chromium, driven through its DevTools protocol: enough to look at a page as people see it."""

import base64
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import websocket

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PATIENCE_SECONDS = 60


def find_chromium() -> str | None:
    """Returns the program; None if there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


class Tab:
    """A tab that keeps what the page complains of and what it asks the network for.

    Args:
        address: Of its DevTools socket.
    """

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=_PATIENCE_SECONDS, suppress_origin=True)
        self._calls = 0
        self._events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol and returns its result."""
        self._calls += 1
        self._socket.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            message = self._receive()
            if message.get("id") == self._calls:
                assert "error" not in message, message
                return message["result"]

    def _receive(self) -> dict[str, Any]:
        message = json.loads(self._socket.recv())
        if "method" in message:
            self._events.append(message)
        return message

    def open(self, page: pathlib.Path, *, width: int, height: int = 900, scheme: str = "light") -> None:
        """Shows a page.

        Args:
            page: A file.
            width: Of the window, CSS pixels.
            height: The same.
            scheme: What the person prefers, "light" or "dark".
        """
        self._events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not self._seen("Page.loadEventFired"):
            self._receive()

    def evaluate(self, expression: str) -> Any:
        """Returns the value of a JavaScript expression."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def screenshot(self, file: pathlib.Path, *, whole: bool = True) -> None:
        """Writes a PNG of the page, or of what the window shows of it."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole, **self._clip(whole))
        file.write_bytes(base64.b64decode(answer["data"]))

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}

    def print(self, file: pathlib.Path) -> None:
        """Writes a PDF of A4."""
        answer = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)
        file.write_bytes(base64.b64decode(answer["data"]))

    def complaints(self) -> list[str]:
        """Returns what the console showed, and exceptions."""
        methods = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(event["params"]) for method in methods for event in self._seen(method)]

    def requests(self) -> list[str]:
        """Returns the addresses that were asked for, but for those that hold their own content."""
        addresses = [event["params"]["request"]["url"] for event in self._seen("Network.requestWillBeSent")]
        return [address for address in addresses if not address.startswith("data:")]

    def _seen(self, method: str) -> list[dict[str, Any]]:
        return [event for event in self._events if event["method"] == method]

    def close(self) -> None:
        """Lets go of the socket."""
        self._socket.close()


@contextlib.contextmanager
def start_chromium(program: str) -> Iterator[Tab]:
    """Starts Chromium with a profile of its own and one tab, and ends it.

    Args:
        program: Of `find_chromium`.

    Yields:
        The tab.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                *(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                *("--no-first-run", "--hide-scrollbars", "--remote-debugging-port=0", f"--user-data-dir={profile}"),
                "about:blank",
            ],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield from _open_tab(process)
        finally:
            process.terminate()
            process.communicate(timeout=_PATIENCE_SECONDS)


def _open_tab(process: subprocess.Popen[str]) -> Iterator[Tab]:
    assert process.stderr is not None
    line = next(line for line in process.stderr if line.startswith("DevTools listening on "))
    browser = line.split()[-1]
    socket = websocket.create_connection(browser, timeout=_PATIENCE_SECONDS, suppress_origin=True)
    socket.send(json.dumps({"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}))
    target = json.loads(socket.recv())["result"]["targetId"]
    tab = Tab(f"{browser.partition('/devtools/')[0]}/devtools/page/{target}")
    yield tab
    tab.close()
    socket.close()

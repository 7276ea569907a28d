"""The few requests of the Hugging Face Hub that an upload and a download make, answered by this machine."""

import base64
import fnmatch
import hashlib
import http.server
import json
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

TOKEN = "hf_of_a_test"
COMMIT = "c" * 40


class FakeHub:
    """A Hub with repositories in memory; it takes one token, and listens while it is entered."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}  # content by path, by the name of the repository
        self.private: dict[str, bool] = {}
        self.messages: list[str] = []  # of the commits
        hub = self

        class Handler(_Handler):
            answers = hub

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FakeHub":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def create(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Makes a repository; 409 if there is one."""
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        answer = {"url": f"{self.url}/{name}", "id": name}
        if name in self.repositories:
            return 409, {**answer, "error": "You already created this model repo"}
        self.repositories[name] = {}
        self.private[name] = asked.get("visibility") == "private"
        return 200, answer

    def commit(self, name: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
        """Adds and deletes files."""
        files = self.repositories[name]
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.messages.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        return {"success": True, "commitOid": COMMIT, "commitUrl": f"{self.url}/{name}/commit/{COMMIT}"}

    def describe(self, name: str) -> dict[str, Any]:
        """Says what is in a repository."""
        files = [{"rfilename": path} for path in self.repositories[name]]
        return {"id": name, "sha": COMMIT, "private": self.private.get(name, False), "siblings": files}

    def list_files(self, name: str) -> list[dict[str, Any]]:
        """Lists the files of a repository."""
        files = self.repositories[name].items()
        return [
            {"type": "file", "path": path, "size": len(content), "oid": _digest(content)} for path, content in files
        ]


def _digest(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    answers: FakeHub

    def do_POST(self) -> None:
        """Answers what changes something."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._send(401, {"error": "Invalid username or password."})
        elif self.path == "/api/repos/create":
            self._send(*self.answers.create(json.loads(body)))
        elif self.path == "/api/validate-yaml":
            self._send(200, {"errors": [], "warnings": []})
        elif fnmatch.fnmatch(self.path, "/api/models/*/preupload/main"):
            asked = json.loads(body)["files"]
            files = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in asked]
            self._send(200, {"files": files})
        else:
            lines = [json.loads(line) for line in body.splitlines() if line]
            self._send(200, self.answers.commit(self._name(), lines))

    def do_GET(self) -> None:
        """Answers what reads."""
        if "/resolve/" in self.path:
            self._send_file(self.wfile.write)
        elif "/tree/" in self.path:
            self._send(200, self.answers.list_files(self._name()))
        elif self._name() in self.answers.repositories:
            self._send(200, self.answers.describe(self._name()))
        else:
            self._send(404, {"error": "Repository not found"})

    def do_HEAD(self) -> None:
        """Answers what asks for the size of a file."""
        self._send_file(lambda _: None)

    def log_message(self, *_: Any) -> None:
        """Writes nothing."""

    def _name(self) -> str:
        return "/".join(self.path.removeprefix("/api/models").split("?")[0].split("/")[1:3])

    def _send(self, status: int, content: Any) -> None:
        encoded = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def _send_file(self, write: Callable[[bytes], Any]) -> None:
        path = self.path.split("/resolve/")[1].split("/", 1)[1].split("?")[0]
        content = self.answers.repositories[self._name()][path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{_digest(content)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        write(content)

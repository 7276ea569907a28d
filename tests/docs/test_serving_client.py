"""The client in docs/ uses the APIs that TensorFlow Serving documents, here those of stand-in servers."""

import base64
import concurrent.futures
import hashlib
import http.server
import importlib.util
import json
import pathlib
import threading
from types import ModuleType
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from sample_slice import PROJECT, SAMPLE
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from components import signatures
from components.image_dataset import CIFAR10


def predict(records: list[bytes]) -> np.ndarray:
    """Returns probabilities that depend on the bytes, float32 [batch, classes]."""
    digests = [list(hashlib.sha256(record).digest()[: len(CIFAR10.class_names)]) for record in records]
    values = np.array(digests, np.float32)
    return values / values.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def client() -> ModuleType:
    """docs/serving_client.py, as a module."""
    spec = importlib.util.spec_from_file_location("serving_client", PROJECT / "docs" / "serving_client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def records() -> list[bytes]:
    [file] = SAMPLE.glob("cifar10-test.tfrecord-*")
    return list(tf.data.TFRecordDataset(str(file)).take(3).as_numpy_iterator())


class _Rest(http.server.BaseHTTPRequestHandler):
    """Serves the row format with one input and one output, so that neither is named."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/models/tokenlearner:predict"
        assert set(body) == {"signature_name", "instances"}
        assert body["signature_name"] == signatures.SERVE_EXAMPLES
        examples = [base64.b64decode(instance["b64"], validate=True) for instance in body["instances"]]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"predictions": predict(examples).tolist()}).encode())


def test_rest_returns_the_probabilities(client: ModuleType, records: list[bytes]) -> None:
    with http.server.ThreadingHTTPServer(("localhost", 0), _Rest) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        probabilities = client.call_rest(records, f"localhost:{server.server_port}")
        server.shutdown()
    np.testing.assert_array_equal(np.float32(probabilities), predict(records))


class _Grpc(prediction_service_pb2_grpc.PredictionServiceServicer):
    def Predict(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802  the names in the service
        assert (request.model_spec.name, request.model_spec.signature_name) == (
            "tokenlearner",
            signatures.SERVE_EXAMPLES,
        )
        response = predict_pb2.PredictResponse()
        probabilities = predict(list(tf.make_ndarray(request.inputs["examples"])))
        response.outputs[signatures.PROBABILITIES].CopyFrom(tf.make_tensor_proto(probabilities))
        return response


def test_grpc_returns_the_probabilities(client: ModuleType, records: list[bytes]) -> None:
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Grpc(), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    probabilities = client.call_grpc(records, f"localhost:{port}")
    server.stop(None).wait()
    np.testing.assert_array_equal(np.float32(probabilities), predict(records))


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_without_a_server_there_is_one_message(
    client: ModuleType, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr("sys.argv", ["serving_client.py", protocol])
    with pytest.raises(SystemExit, match=r"^No server at localhost:850[01]; start TensorFlow Serving first\.$"):
        client.main()


def test_the_client_reads_the_shipped_images_and_knows_the_classes(
    client: ModuleType, records: list[bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr("sys.argv", ["serving_client.py", "body"])
    client.main()
    instances = json.loads(capsys.readouterr().out)["instances"]
    assert [base64.b64decode(instance["b64"]) for instance in instances] == records
    assert CIFAR10.class_names == client.CLASSES
    assert pathlib.Path(client.RECORDS).is_file()

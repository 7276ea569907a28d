"""The client in docs/ speaks as TensorFlow Serving documents it: stand-in servers answer with a real signature."""

import base64
import concurrent.futures
import http.server
import importlib.util
import json
import pathlib
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from sample_slice import PROJECT, SAMPLE
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from components import features, signatures


class _Model(tf.Module):
    """Takes the first pixels of an image for its logits."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def classify(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns probabilities, float32 [batch, classes]."""
        parsed = tf.io.parse_example(examples, {features.IMAGE: tf.io.FixedLenFeature([], tf.string)})
        images = tf.map_fn(tf.io.decode_png, parsed[features.IMAGE], fn_output_signature=tf.uint8)
        pixels = tf.cast(tf.reshape(images, (tf.shape(images)[0], -1))[:, : features.NUM_CLASSES], tf.float32)
        return {signatures.PROBABILITIES: tf.nn.softmax(pixels / 20)}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The signatures of an exported model by name."""
    folder = str(tmp_path_factory.mktemp("served") / "1")
    model = _Model()
    tf.saved_model.save(model, folder, signatures={signatures.SERVE_EXAMPLES: model.classify})
    loaded = tf.saved_model.load(folder)
    return lambda name, **inputs: loaded.signatures[name](**inputs)


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


@pytest.fixture(scope="module")
def expected(served: Any, records: list[bytes]) -> np.ndarray:
    answers = served("serving_default", examples=tf.constant(records))["probabilities"].numpy()
    assert np.ptp(answers, axis=0).max() > 0.05  # else any answer would do
    return answers


class _Rest(http.server.BaseHTTPRequestHandler):
    """Answers POST /v1/models/tokenlearner:predict in the row format: one input, one output, so neither is named."""

    signatures: Any

    def do_POST(self) -> None:
        """Answers."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/models/tokenlearner:predict"
        assert set(body) == {"signature_name", "instances"}
        examples = [base64.b64decode(instance["b64"], validate=True) for instance in body["instances"]]
        outputs = type(self).signatures(body["signature_name"], examples=tf.constant(examples))
        [predictions] = outputs.values()
        answer = json.dumps({"predictions": predictions.numpy().tolist()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name of the base class
        """Says nothing."""


@pytest.fixture
def rest_address(served: Any) -> Iterator[str]:
    handler = type("Rest", (_Rest,), {"signatures": staticmethod(served)})
    with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"localhost:{server.server_port}"
        server.shutdown()


class _Grpc(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, served: Any) -> None:
        self._served = served

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802  the name in the service
        """Answers."""
        del context
        assert request.model_spec.name == "tokenlearner"
        inputs = {name: tf.constant(tf.make_ndarray(values)) for name, values in request.inputs.items()}
        response = predict_pb2.PredictResponse()
        for name, values in self._served(request.model_spec.signature_name, **inputs).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
        return response


@pytest.fixture
def grpc_address(served: Any) -> Iterator[str]:
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Grpc(served), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    server.stop(None).wait()


def test_rest_gives_the_probabilities_of_the_signature(
    client: ModuleType, records: list[bytes], expected: np.ndarray, rest_address: str
) -> None:
    np.testing.assert_array_equal(np.float32(client.ask_rest(records, rest_address)), expected)


def test_grpc_gives_the_probabilities_of_the_signature(
    client: ModuleType, records: list[bytes], expected: np.ndarray, grpc_address: str
) -> None:
    np.testing.assert_array_equal(np.float32(client.ask_grpc(records, grpc_address)), expected)


def test_the_client_reads_the_shipped_images_and_knows_the_classes(
    client: ModuleType, records: list[bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setattr("sys.argv", ["serving_client.py", "body"])
    client.main()
    instances = json.loads(capsys.readouterr().out)["instances"]
    assert [base64.b64decode(instance["b64"]) for instance in instances] == records
    assert client.CLASSES == features.CLASS_NAMES
    assert pathlib.Path(client.RECORDS).is_file()

"""Classifies the first shipped test images with a running TensorFlow Serving.

`python docs/serving_client.py grpc|rest [HOST]` prints a class and its probability for each; `… body` prints the body
of the REST request, for curl. Needs the package tensorflow-serving-api.
"""

import argparse
import base64
import json
import urllib.error
import urllib.request

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

MODEL = "tokenlearner"
RECORDS = "data/cifar10_sample/cifar10-test.tfrecord-00000-of-00001"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SECONDS = 10


def make_body(records: list[bytes]) -> str:
    """Returns the body of the REST request; bytes are sent as {"b64": …}."""
    instances = [{"b64": base64.b64encode(record).decode()} for record in records]
    return json.dumps({"signature_name": "serving_default", "instances": instances})


def call_rest(records: list[bytes], address: str) -> list[list[float]]:
    """Returns the probabilities of serialized tf.Examples."""
    url = f"http://{address}/v1/models/{MODEL}:predict"
    request = urllib.request.Request(url, make_body(records).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        predictions: list[list[float]] = json.load(response)["predictions"]
    return predictions


def call_grpc(records: list[bytes], address: str) -> list[list[float]]:
    """Returns the probabilities of serialized tf.Examples."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = MODEL
    request.model_spec.signature_name = "serving_default"
    request.inputs["examples"].CopyFrom(tf.make_tensor_proto(records))
    with grpc.insecure_channel(address) as channel:
        service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = service.Predict(request, timeout=SECONDS)
    probabilities: list[list[float]] = tf.make_ndarray(response.outputs["probabilities"]).tolist()
    return probabilities


def main() -> None:
    """Sends the images over the protocol that the command line names."""
    parser = argparse.ArgumentParser(description="Classifies three test images with TensorFlow Serving.")
    parser.add_argument("protocol", choices=("grpc", "rest", "body"), help="body: only print the REST request")
    parser.add_argument("host", nargs="?", default="localhost")
    arguments = parser.parse_args()
    records = list(tf.data.TFRecordDataset(RECORDS).take(3).as_numpy_iterator())
    if arguments.protocol == "body":
        print(make_body(records))
        return
    call, port = (call_grpc, 8500) if arguments.protocol == "grpc" else (call_rest, 8501)
    address = f"{arguments.host}:{port}"
    try:
        predictions = call(records, address)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{address}: {error.read().decode()}") from None
    except (urllib.error.URLError, TimeoutError):
        raise SystemExit(f"No server at {address}; start TensorFlow Serving first.") from None
    except grpc.RpcError as error:
        if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            raise SystemExit(f"No server at {address}; start TensorFlow Serving first.") from None
        raise SystemExit(f"{address}: {error.details()}") from None
    for probabilities in predictions:
        best = max(range(len(CLASSES)), key=probabilities.__getitem__)
        print(CLASSES[best], f"{probabilities[best]:.1%}")


if __name__ == "__main__":
    main()

"""Classifies the first shipped test images with a running TensorFlow Serving.

`python docs/serving_client.py grpc|rest [HOST]` prints a class and its probability for each; `… body` prints the body
of the REST request, for curl. Needs the package tensorflow-serving-api.
"""

import base64
import json
import sys
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


def ask_rest(records: list[bytes], address: str) -> list[list[float]]:
    """Returns the probabilities of serialized tf.Examples."""
    url = f"http://{address}/v1/models/{MODEL}:predict"
    request = urllib.request.Request(url, make_body(records).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        predictions: list[list[float]] = json.load(response)["predictions"]
    return predictions


def ask_grpc(records: list[bytes], address: str) -> list[list[float]]:
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
    way, host = (*sys.argv[1:], "localhost")[:2]
    records = list(tf.data.TFRecordDataset(RECORDS).take(3).as_numpy_iterator())
    if way == "body":
        print(make_body(records))
        return
    answers = ask_grpc(records, f"{host}:8500") if way == "grpc" else ask_rest(records, f"{host}:8501")
    for probabilities in answers:
        best = max(range(len(CLASSES)), key=probabilities.__getitem__)
        print(CLASSES[best], f"{probabilities[best]:.1%}")


if __name__ == "__main__":
    main()

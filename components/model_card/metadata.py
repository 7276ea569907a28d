"""Metadata: the YAML at the head of a card, by which the Hugging Face Hub finds and compares models."""

from huggingface_hub import EvalResult, ModelCardData

from components.artifacts.verdict import Verdict
from models.vit_config import ViTConfig

DATASET = "uoft-cs/cifar10"  # its name on the Hub
_NAME = "tokenlearner-cifar10"
_TASK = "image-classification"
_LICENSE = "apache-2.0"  # as LICENSE says, in the Hub's words
_METRICS = {  # as verdict.json calls them: as people do
    "accuracy": "Accuracy",
    "top_5_accuracy": "Top-5 accuracy",
    "cross_entropy": "Cross-entropy (nats)",
    "expected_calibration_error": "Expected calibration error",
}


def write_metadata(verdict: Verdict, network: ViTConfig, *, has_lite_models: bool) -> str:
    """Writes the YAML.

    Args:
        verdict: What was measured on the test split.
        network: The model's.
        has_lite_models: Whether TensorFlow Lite models are pushed beside the model.

    Returns:
        YAML, without the lines that set it apart.
    """
    scorecard = verdict.candidate
    results = [
        EvalResult(
            task_type=_TASK,
            task_name="Image classification",
            dataset_type=DATASET,
            dataset_name=f"CIFAR-10, {scorecard.images:,} test images",
            dataset_split="test",
            metric_type=key,
            metric_name=name,
            metric_value=getattr(scorecard.overall, key).value,
        )
        for key, name in _METRICS.items()
    ]
    learner = ["tokenlearner"] if network.reducer and network.reducer.has_attention_maps else []
    data = ModelCardData(
        library_name="keras",
        license=_LICENSE,
        pipeline_tag=_TASK,
        tags=[_TASK, "cifar10", "vision-transformer", *learner, "tensorflow", *(["tflite"] if has_lite_models else [])],
        datasets=[DATASET],
        metrics=list(_METRICS),
        model_name=_NAME,
        eval_results=results,
    )
    return data.to_yaml()

"""The model card: a README.md with pictures, and with YAML metadata for the Hugging Face Hub."""

import pathlib
import re

from huggingface_hub import EvalResult, ModelCardData

from components import features, signatures, templates
from components.artifacts.answer import describe_answer, name_tokens
from components.artifacts.image_task import TASK_FILE
from components.artifacts.lite_comparison import FORM_NAMES
from components.artifacts.verdict import Measure
from components.image_dataset import CIFAR10
from components.model_card.facts import Facts
from components.model_card.figures import AttentionPicture
from components.report.compute_chart import describe_search, draw_search_chart
from models.reducers.registry import REDUCERS

CARD_FILE = "README.md"  # the name that the Hub shows
ATTENTION_FILE = "attention.png"
SEARCH_FILE = "search.png"

TEMPLATES = pathlib.Path(__file__).with_name("templates")
_HUB_DATASETS = {CIFAR10.name: "uoft-cs/cifar10"}  # names on the Hub
_TASK = "image-classification"
_SEARCH_SIZE = (640, 420)  # pixels
_METRICS = {  # fields of `Overall`: their names on the Hub
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "top_5_accuracy": "Top-5 accuracy",
    "cross_entropy": "Cross-entropy (nats)",
    "expected_calibration_error": "Expected calibration error",
}


def write_card(facts: Facts, attention: AttentionPicture | None, folder: pathlib.Path) -> None:
    """Writes the card; the same facts make the same card.

    Args:
        facts: Of one run.
        attention: Attention maps over test images; None if the model exports none.
        folder: Of README.md and its pictures.
    """
    if attention:
        (folder / ATTENTION_FILE).write_bytes(attention.png)
    (folder / SEARCH_FILE).write_bytes(draw_search_chart(facts.results, _SEARCH_SIZE).to_png())
    environment = templates.open_templates(TEMPLATES, is_html=False)
    environment.filters.update(measure=_format_measure, count="{:,.0f}".format, literal=_escape)
    card = environment.get_template("card.md").render(
        facts=facts,
        metadata=_make_metadata(facts),
        task=facts.verdict.task,
        task_file=TASK_FILE,
        hub_dataset=_HUB_DATASETS.get(facts.verdict.task.dataset),
        features=features,
        reducers=REDUCERS,
        signatures=signatures,
        form_names=FORM_NAMES,
        attention=attention,
        place=name_tokens(facts.results.winner.point),
        answer=describe_answer(facts.results.search),
        search_description=describe_search(facts.results),
        files={"attention": ATTENTION_FILE, "search": SEARCH_FILE},
    )
    (folder / CARD_FILE).write_text(card)


def _make_metadata(facts: Facts) -> str:
    """Returns YAML without its delimiters.

    Without `library_name`: the Hub's snippets for `keras` and `tf-keras` cannot load a SavedModel with Keras 3.
    """
    scorecard = facts.verdict.candidate
    task = facts.verdict.task
    dataset = _HUB_DATASETS.get(task.dataset)
    results = [
        EvalResult(
            task_type=_TASK,
            task_name="Image classification",
            dataset_type=dataset or task.dataset,
            dataset_name=f"{task.title}, {scorecard.images:,} test images",
            dataset_split="test",
            metric_type=key,
            metric_name=name,
            metric_value=getattr(scorecard.overall, key).value,
        )
        for key, name in _METRICS.items()
        if key in facts.verdict.metrics
    ]
    tags = [_TASK, task.dataset, "vision-transformer", "tensorflow"]
    if (facts.results.winner.network.token_reducer or "").startswith("token_learner"):
        tags.append("tokenlearner")
    if facts.lite and any(variant.is_pushed and variant.file for variant in facts.lite.variants):
        tags.append("tflite")
    return ModelCardData(
        license="apache-2.0" if dataset else None,  # nobody knows the terms of other images
        pipeline_tag=_TASK,
        tags=tags,
        datasets=[dataset] if dataset else None,
        metrics=[result.metric_type for result in results],
        model_name=f"tokenlearner-{task.dataset}",
        eval_results=results,
    ).to_yaml()


def _escape(text: str) -> str:
    """Returns text that Markdown shows as it is, on one line: names of classes and files may be anything."""
    return re.sub(r"([\\`*\[\]<>|&$~])", r"\\\1", " ".join(text.split()))


def _format_measure(measure: Measure) -> str:
    """Formats a share with its 95% interval."""
    return f"{measure.value:.1%} ({measure.low:.1%} to {measure.high:.1%})"

"""The card: what was trained, how, and how well, as a README.md with its pictures."""

import pathlib

from components import features, signatures, templates
from components.artifacts.lite_comparison import FORM_NAMES
from components.artifacts.verdict import Measure
from components.model_card.facts import Facts
from components.model_card.figures import AttentionPicture, draw_search_picture
from components.model_card.metadata import DATASET, write_metadata
from components.report.compute_chart import describe_search
from components.report.marks import describe_place
from models.reducers.registry import REDUCERS

CARD_FILE = "README.md"  # where the Hub looks for it
ATTENTION_FILE = "attention.png"
SEARCH_FILE = "search.png"

_TEMPLATES = pathlib.Path(__file__).with_name("templates")


def write_card(facts: Facts, attention: AttentionPicture | None, folder: pathlib.Path) -> None:
    """Writes the card; the same facts make the same card.

    Args:
        facts: Of one run.
        attention: What the tokens look at; None if they have not learned where to look.
        folder: Where README.md and the pictures that it links to go.
    """
    if attention:
        (folder / ATTENTION_FILE).write_bytes(attention.png)
    if facts.results.points:
        (folder / SEARCH_FILE).write_bytes(draw_search_picture(facts.results))
    (folder / CARD_FILE).write_text(_render(facts, attention))


def digest_templates() -> str:
    """Returns the SHA-256 of the templates, which makes the cache see their edits."""
    return templates.digest_templates(_TEMPLATES)


def _render(facts: Facts, attention: AttentionPicture | None) -> str:
    environment = templates.open_templates(_TEMPLATES, is_html=False)
    environment.filters.update(measure=_format_measure, count=_format_count, milliseconds=_format_milliseconds)
    pushed = (
        [lite_model for lite_model in facts.lite.variants if lite_model.is_pushed and lite_model.file]
        if facts.lite
        else []
    )
    return environment.get_template("card.md").render(
        facts=facts,
        metadata=write_metadata(facts.verdict, facts.network, has_lite_models=bool(pushed)),
        dataset=DATASET,
        features=features,
        reducers=REDUCERS,
        signatures=signatures,
        form_names=FORM_NAMES,
        attention=attention,
        place=describe_place(facts.results.winner.network),
        search_words=describe_search(facts.results) if facts.results.points else None,
        files={"attention": ATTENTION_FILE, "search": SEARCH_FILE},
    )


def _format_measure(measure: Measure) -> str:
    """Formats a share with its 95 % interval."""
    return f"{measure.value:.1%} ({measure.low:.1%} to {measure.high:.1%})"


def _format_count(number: float) -> str:
    return f"{number:,.0f}"


def _format_milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"

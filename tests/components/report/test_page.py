"""The page: every section, every sentence that stands where there is nothing, and the same page each time."""

import dataclasses
import html
import pathlib
import re
import shutil

import pytest
from recorded_root import make_findings
from run_folder import write_comparison, write_model_run

from components.artifacts.serving_findings import write_findings
from components.artifacts.verdict import read_verdict
from components.report.page import digest_templates, render_page
from components.report.sources import Sources

MAX_BYTES = 5 * 2**20


@pytest.fixture(scope="module")
def page(sources: Sources) -> str:
    return render_page(sources)


def _words(page: str) -> str:
    """Returns what a person reads of it."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_a_whole_run_fills_every_section(page: str) -> None:
    assert 'class="absent"' not in page
    words = _words(page)
    for expected in (
        "TokenLearner: 4 tokens after block 1 of 4",
        "✓ Blessed All rules that apply are passed; pushed as version 1700000000.",
        "4.60 million MACs 39% of the same network without TokenLearner",
        "161,018",
        "Accuracy floor ✓ passed",
        "Not worse than the last blessed model ✓ passed",
        "token_learner-4@1 wins.",
        "1 point was too expensive to be tried: token_learner-64@3 .",
        "top_k_norm-4@1 failed: <script>alert(1)</script>.",
        "After 1 epoch",
        "25.0 ★ ± 4.8",
        "mean of 200 images; effective patches 8 8 8 8",
        "A token effectively weighs 8 of 64 patches on average.",
        "Lost: only the baseline was right",
        "exact McNemar test p =",
        "SavedModel 1,638 10.00 20.00 60.0% 53.0% to 67.0% \N{EN DASH} the model",
        "TFLite float32 728 0.40 0.80 60.0% 53.0% to 67.0% +0.00 (-1.00 to +1.00) beside it",
        "TFLite int8 242 0.30 0.60 56.9% 49.9% to 63.9% -3.10 (-4.10 to -2.10) no",
        "TFLite int8: not pushed: -3.10 points.",
        "valid: label: Unexpectedly large value: 12",
        "train 200 20 to 21 2,250 0 none",
        "Every image decodes to 32x32x3. 2 images have the same pixels as another one (also in another split: "
        "1 of test, 1 of train): test_1 (test) = train_2 (train). Read from /data/cifar10 .",
        "the winner after its final fit, trained for 2 epochs on 200 images",
        "the published points of the Keras example, trained for 20 epochs on 40,000 images, mean of 5 runs",
        "It does all that it has to. Loads ✓ passed TensorFlow 2.0 alone loads the model.",
        "Fast enough ✓ passed Nearest to its budget: 2.0 milliseconds.",
        "serving_default 1 2.0 3.5 40",
        "tokenlearner run",
        "ExampleGen cached 1.5 not measured",
        "Trainer 80.2 1,500",
        "2 Model Trainer 1",
        "tfx 1.16.0",
    ):
        assert expected in words, expected


def test_every_chart_has_words_axes_and_units(page: str, sources: Sources) -> None:
    charts = re.findall(r"<svg class=\"chart\".*?</svg>", page, flags=re.DOTALL)
    titles = [re.findall(r"<title id[^>]*>([^<]*)</title><desc[^>]*>([^<]+)</desc>", chart) for chart in charts]
    assert [len(found) for found in titles] == [1] * 8
    drawn = " ".join(charts)
    for label in (
        ">million multiply-accumulates an image<",
        ">validation accuracy<",
        ">epoch<",
        ">test accuracy, with 95 % intervals<",
        ">probability of the most probable class<",
        ">images<",
    ):
        assert label in drawn, label
    assert "token_learner-4@1: 33.0% on the valid split after 3 epochs, 4.60 million MACs" in drawn
    assert (
        "Keras example, 8 tokens: 56.55%, trained for 20 epochs on 40,000 images, mean of 5 runs; 79.8 million" in drawn
    )
    accuracy = read_verdict(sources.verdict).candidate.overall.accuracy if sources.verdict else None
    assert accuracy is not None
    assert f"The winner, token_learner-4@1: {accuracy.value:.1%} on the test split (" in drawn
    assert ">test accuracy<" in drawn


def test_the_page_stands_alone_and_is_small(page: str) -> None:
    assert len(page.encode()) <= MAX_BYTES
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert "<script" not in page
    assert "@import" not in page
    assert "http" not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_charts_take_their_colors_and_font_from_the_page(page: str) -> None:
    charts = "".join(re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL))
    assert set(re.findall(r"#[0-9a-fA-F]{6}\b", charts)) == set()
    assert "DejaVu" not in charts
    assert "var(--learner)" in charts


def test_the_same_sources_make_the_same_page(sources: Sources, page: str) -> None:
    assert render_page(sources) == page


def test_nothing_at_all_makes_a_page_that_says_so() -> None:
    words = _words(render_page(Sources()))
    for expected in (
        "No winner The Trainer left no search results.",
        "No verdict The Evaluator did not judge this model.",
        "No verdict: the run did not reach the Evaluator.",
        "No trial was completed, so there is nothing to plot.",
        "No point with a token reducer was completed, so there is no map.",
        "Nothing was trained.",
        "No attention maps: the model, its predictions or the test images are missing",
        "No images: there are no predictions",
        "No evaluation: the run did not reach the Evaluator.",
        "No comparison: the run did not reach the Evaluator.",
        "No TensorFlow Lite models: the run did not reach the LiteConverter.",
        "No statistics of the data.",
        "The model was not asked to serve.",
        "The command was not recorded.",
        "Steps and lineage: ML Metadata could not be read where this page was made.",
        "The versions of packages were not recorded.",
    ):
        assert expected in words, expected


@pytest.fixture(scope="module")
def incomplete(without_baseline: Sources, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The words of a page about a run in which much is missing."""
    folder = tmp_path_factory.mktemp("incomplete")
    model_run = write_model_run(folder / "model_run")
    (model_run / "trials.jsonl").write_text("")
    assert without_baseline.verdict is not None
    verdict = shutil.copytree(without_baseline.verdict, folder / "verdict")
    write_comparison(verdict, int8_failure="it lacks <an> operator")
    unchecked = dataclasses.replace(without_baseline, anomalies=None, bad_images=None, duplicates=None)
    return _words(render_page(dataclasses.replace(unchecked, model_run=model_run, verdict=verdict)))


def test_a_first_model_that_is_not_blessed_says_why(incomplete: str) -> None:
    assert "✗ Not blessed Accuracy is" in incomplete
    assert "it must be at least 99.0%." in incomplete
    assert "Accuracy floor ✗ failed" in incomplete
    assert "Not worse than the last blessed model \N{EN DASH} not applied" in incomplete
    assert "No baseline: no other model was ever blessed, so there is nothing to compare with." in incomplete


def test_a_blessed_model_that_does_not_serve_says_why(sources: Sources, tmp_path: pathlib.Path) -> None:
    write_findings(make_findings(serves=False), tmp_path)
    unfit = dataclasses.replace(sources, serving=tmp_path, pushed_version=None)
    model_run = write_model_run(tmp_path / "model_run", reducer=None)
    words = _words(render_page(dataclasses.replace(unfit, model_run=model_run, model=None)))
    assert "No TokenLearner: 4 blocks on all patches" in words
    assert "No attention maps: the winner has no token reducer." in words
    reason = "Half of the requests with 1 image to serving_default take up to 2.0 milliseconds; allowed are 1.0."
    assert f"not pushed, because it does not serve as it must. {reason}" in words
    assert f"Fast enough ✗ failed {reason}" in words


def test_a_winner_that_learned_nothing_about_where_to_look_has_images_but_no_maps(
    sources: Sources, tmp_path: pathlib.Path
) -> None:
    model_run = write_model_run(tmp_path / "model_run", reducer="average_pooling")
    words = _words(render_page(dataclasses.replace(sources, model_run=model_run, model=None)))
    assert "No attention maps: the winner's token reducer has none." in words
    assert "Most confident, and wrong" in words
    assert "Average pooling: 4 tokens after block 1 of 4" in words


def test_a_search_whose_trials_all_failed_has_no_charts(incomplete: str) -> None:
    assert "No trial was completed, so there is nothing to plot." in incomplete
    assert "No trial was completed, so the search has no curve." in incomplete


def test_a_lite_model_that_could_not_be_made_says_why(incomplete: str) -> None:
    assert "TFLite int8: not pushed: it lacks <an> operator." in incomplete
    assert "TFLite int8 242" not in incomplete


def test_data_that_were_not_checked_are_not_called_sound(incomplete: str) -> None:
    assert "train 200 20 to 21 2,250 0 not checked" in incomplete
    expected = "Whether every image decodes was not checked. Whether images occur more than once was not checked."
    assert expected in incomplete


def test_the_digest_of_the_templates_is_a_sha256() -> None:
    assert re.fullmatch("[0-9a-f]{64}", digest_templates())

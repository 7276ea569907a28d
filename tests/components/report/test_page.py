"""The page: every section with its values, and a message in every section whose step did not run."""

import dataclasses
import html
import pathlib
import re
import shutil

import pytest
from recorded_root import make_findings
from run_folder import write_comparison, write_model_run

from components.artifacts.serving_findings import write_findings
from components.report.page import render_page
from components.report.sources import Sources

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def page(sources: Sources) -> str:
    return render_page(sources)


def _read_words(page: str) -> str:
    body = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"[ \n]+", " ", html.unescape(re.sub(r"<[^>]*>", " ", body)))


def test_a_whole_run_fills_every_section(page: str) -> None:
    assert 'class="absent"' not in page
    words = _read_words(page)
    for expected in (
        f"4 learned tokens after block 1: more accurate than no reducer (+2.0 points of validation accuracy, +0.0 to "
        f"+4.0 with 95% confidence) at 39% of its compute; less accurate than average pooling "
        f"({MINUS}3.0, {MINUS}5.0 to {MINUS}1.0), which costs 4% less. ✓ Blessed",
        f"vs. average pooling {MINUS}3.0 points 95%: {MINUS}5.0 to {MINUS}1.0, validation",
        "Latency 2.0 ms p95: 3.5 ms, one image, CPU, serving_default",
        f"token_learner-4@1 4.60 33.0% +2.0 +0.0 to +4.0 {MINUS}3.0 {MINUS}5.0 to {MINUS}1.0",
        "pushed as version 1700000000.",
        "4.60 million MACs 39% of the same network without a reducer",
        "Accuracy floor ✓ passed",
        "token_learner-4@1 wins. 1 point was too expensive and not tried: token_learner-64@3 .",
        "top_k_norm-4@1 failed: <script>alert(1)</script>.",
        "After 3 epochs",
        "33.0 ★ ± 5.1",
        "After 1 epoch TokenLearner",
        "25.0 ★ ± 4.8",
        "top_k_norm-4@1 search 4 1 5.00",
        "batch size 64",
        "Mean of 200 images Below each token: the patches that its attention effectively covers. 8 8 8 8",
        "a token's attention covers effectively 8 of 64 patches.",
        "exact McNemar test p =",
        f"SavedModel 1,638 10.00 20.00 60.0% 53.0% to 67.0% {DASH} the model",
        f"TFLite float32 728 0.40 0.80 60.0% 53.0% to 67.0% +0.00 ({MINUS}1.00 to +1.00) yes",
        f"TFLite int8 242 0.30 0.60 56.9% 49.9% to 63.9% {MINUS}3.10 ({MINUS}4.10 to {MINUS}2.10) no",
        "train 400 40 2,250 0 none",
        "feature 'label' in split valid: Unexpectedly large value: 12 Every image can be decoded. "
        "2 images have the same pixels as another one (also in another split: 1 of test, 1 of train): "
        "test_1 (test) = train_2 (train). Source: /data/cifar10 .",
        "Latency ✓ passed Nearest to its budget: 2.0 milliseconds.",
        "serving_default 1 2.0 3.5 40",
        "ExampleGen cached 1.5 Trainer 80.2",
        "2 Model Trainer 1",
        "tfx 1.16.0",
    ):
        assert expected in words, expected


def test_every_chart_has_a_description_labels_and_tooltips_and_follows_the_page(page: str) -> None:
    charts = re.findall(r"<svg class=\"chart\".*?</svg>", page, flags=re.DOTALL)
    assert len(charts) == 5
    assert all(re.search(r"<title id[^>]*>[^<]+</title><desc[^>]*>[^<]+</desc>", chart) for chart in charts)
    drawn = " ".join(charts)
    for expected in (
        ">million multiply-accumulates per image<",
        ">validation accuracy<",
        ">epoch<",
        ">test accuracy, with 95% intervals<",
        ">probability of the most probable class<",
        ">images<",
        "token_learner-4@1: 33.0% on the valid split after 3 epochs, 4.60 million MACs",
        "var(--learner)",
    ):
        assert expected in drawn, expected
    assert not re.search(r"#[0-9a-fA-F]{6}\b|DejaVu", drawn)


def test_the_page_is_reproducible_small_and_needs_no_other_file(page: str, sources: Sources) -> None:
    assert render_page(sources) == page
    assert len(page.encode()) <= 5 * 2**20
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"|<script[^>]|@import|http', page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_run_without_outputs_has_a_message_in_every_section() -> None:
    page = render_page(Sources())
    sections = re.findall(r"<section.*?</section>", page, flags=re.DOTALL)
    assert len(sections) == 11
    assert all('class="absent"' in section for section in sections)
    assert "No winner The Trainer left no search results. No verdict" in _read_words(page)


def test_an_incomplete_run_whose_model_is_not_blessed(without_baseline: Sources, tmp_path: pathlib.Path) -> None:
    assert without_baseline.verdict is not None
    verdict = shutil.copytree(without_baseline.verdict, tmp_path / "verdict")
    write_comparison(verdict, int8_failure="it lacks <an> operator")
    unchecked = dict.fromkeys(("anomalies", "bad_images", "duplicates", "examples"))
    words = _read_words(render_page(dataclasses.replace(without_baseline, verdict=verdict, **unchecked)))
    for expected in (
        "✗ Not blessed Accuracy is",
        "it must be at least 99.0%.",
        "Accuracy floor ✗ failed",
        f"Not worse {DASH} not applied",
        "No attention maps: the model, its predictions or the test images are missing.",
        "No baseline No other model was ever blessed, so there is nothing to compare with.",
        "TFLite int8: not pushed: it lacks <an> operator.",
        f"train 400 {DASH} 2,250 0 not checked",
        "The images were not checked. Duplicates were not searched.",
    ):
        assert expected in words, expected
    assert "TFLite int8 242" not in words


@pytest.mark.parametrize(
    ("reducer", "place", "absent"),
    [
        (None, "No reducer won", "the winner has no token reducer"),
        ("average_pooling", "4 tokens by average pooling after block 1 won", "the winner's token reducer has none"),
    ],
)
def test_a_blessed_model_without_attention_maps_that_fails_a_serving_check(
    sources: Sources, tmp_path: pathlib.Path, reducer: str | None, place: str, absent: str
) -> None:
    write_findings(make_findings(serves=False), tmp_path)
    model_run = write_model_run(tmp_path / "model_run", reducer=reducer)
    failed = dataclasses.replace(sources, serving=tmp_path, pushed_version=None, model_run=model_run, model=None)
    words = _read_words(render_page(failed))
    reason = "Half of the requests with 1 image to serving_default take up to 2.0 milliseconds; allowed are 1.0."
    for expected in (
        place,
        f"No attention maps: {absent}.",
        "Most confident, and wrong",
        f"not pushed, because it failed the serving checks. {reason}",
        f"Latency ✗ failed {reason}",
    ):
        assert expected in words, expected

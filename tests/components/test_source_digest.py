"""Source digests: an edit changes the digest of what imports the file, and of nothing else."""

from components.source_digest import find_sources

ENTRIES = {
    "ExampleGen": ("components.example_gen.component",),
    "Schema": ("components.schema",),
    "DataGate": ("components.data_gate.component",),
    "Transform": ("components.transform",),
    "Trainer": ("components.trainer.run",),
    "Evaluator": ("components.evaluator.component",),
    "LiteConverter": ("components.lite_converter.component",),
}


def test_the_trainer_depends_on_models_and_its_own_folder_but_on_no_other_step() -> None:
    sources = set(find_sources(*ENTRIES["Trainer"]))
    assert {"models.vit", "models.reducers.token_learner", "models.macs", "components.trainer.search.search"} <= sources
    assert not any(
        name.startswith(("components.example_gen", "components.data_gate", "components.evaluator")) for name in sources
    )


def test_the_transform_depends_on_feature_names_alone() -> None:
    assert set(find_sources(*ENTRIES["Transform"])) == {
        "components",
        "components.machine",
        "components.transform",
        "components.features",
    }

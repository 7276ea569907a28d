"""The network that the tests of the LiteConverter convert: with everything that test_convert.py leaves out."""

from models.vit_config import ViTConfig

COMPONENT_NETWORK = ViTConfig(
    image_size=32,
    patch_size=4,
    stem="linear",
    positions="sincos_2d",
    dim=16,
    depth=1,
    num_heads=2,
    mlp_dims=(16,),
    mlp_output_activation="gelu",
    pooling="sequence",
    num_classes=10,
    token_reducer="token_learner",
    token_learner_pooling="sum",
    use_token_fuser=True,
    blocks_before_token_learner=0,
    num_tokens=4,
)

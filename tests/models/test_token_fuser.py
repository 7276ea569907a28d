"""The TokenFuser's dropout; `test_official_layers.py` compares what it computes."""

import numpy as np

from models.token_fuser import TokenFuser


def test_dropout_acts_in_training_alone() -> None:
    tokens, patches = (np.random.default_rng(0).normal(1, 2, (2, n, 6)).astype(np.float32) for n in (3, 10))
    fuser = TokenFuser(bottleneck_dim=5, dropout_rate=0.5)
    fuser.build((None, 3, 6), (None, 10, 6))
    fuser.set_weights([np.ones_like(weight) / 2 for weight in fuser.get_weights()])
    fused = np.array(fuser(tokens, patches, training=False))
    np.testing.assert_array_equal(fused, fuser(tokens, patches))
    assert (fused != 0).all()
    dropped = np.mean(np.array(fuser(tokens, patches, training=True)) == 0)
    assert 0.3 < dropped < 0.7

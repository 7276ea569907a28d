"""Shows the values behind a failed assertion in the helper of these tests."""

import pytest

pytest.register_assert_rewrite("graph_macs")

"""Confidence against what is right, on cells whose confidence is known to be true or not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spclust.analyses.calibration import calibration_error, reliability


def test_a_true_confidence_has_no_error_and_an_overstated_one_has_its_own():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, size=40_000)
    right = rng.random(40_000) < confidence
    assert calibration_error(reliability(right, confidence)) < 0.01
    boasting = np.minimum(confidence + 0.2, 1)
    expected = (boasting - confidence).mean()
    assert calibration_error(reliability(right, boasting)) == pytest.approx(expected, abs=0.01)


def test_tenths_hold_their_cells():
    table = reliability([True, False, True, True], [0.05, 0.55, 0.58, 1.0])
    assert table["cells"].tolist() == [1, 2, 1]
    np.testing.assert_allclose(table["confidence"], [0.05, 0.565, 1.0])
    np.testing.assert_allclose(table["right"], [1, 0.5, 1])
    assert calibration_error(table) == pytest.approx((0.95 + 2 * 0.065) / 4)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60))
def test_the_error_is_a_share(cells):
    right, confidence = map(np.array, zip(*cells))
    table = reliability(right, confidence)
    assert table["cells"].sum() == len(cells)
    assert 0 <= calibration_error(table) <= 1
    assert (np.diff(table["confidence"]) > 0).all()

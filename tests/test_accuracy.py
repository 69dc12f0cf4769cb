"""Areas corrected for errors of a map: a published example, recomputed, and laws."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from spatial.doubt.accuracy import Matrix, TwoClasses, assess, estimate

# Olofsson et al. (2014), Table 8: sample counts of deforestation, forest gain, stable forest and
# stable non-forest, rows as mapped; the mapped areas in pixels of 30 m.
SAMPLES = ((66, 0, 5, 4), (0, 55, 8, 12), (1, 0, 153, 11), (2, 1, 9, 313))
PIXELS = (200_000, 150_000, 3_200_000, 6_450_000)
ALL = 10_000_000
MAPPED = tuple(pixels / ALL for pixels in PIXELS)
HECTARES = 0.09  # of a pixel


def test_the_published_area_of_deforestation_is_found() -> None:
    # By hand: 0.02 · 66/75 + 0.32 · 1/165 + 0.645 · 2/325 = 0.0176 + 0.00193939 + 0.00396923.
    # Published: 235 086 pixels, 21 158 ha.
    share = assess(MAPPED, SAMPLES).shares[0].share
    assert share == pytest.approx(0.0176 + 0.32 / 165 + 1.29 / 325, rel=1e-12)
    assert share * ALL == pytest.approx(235_086, abs=0.5)
    assert share * ALL * HECTARES == pytest.approx(21_158, abs=0.5)


def test_the_published_interval_of_deforestation_is_found() -> None:
    # By hand: 0.02² · 0.88 · 0.12 / 74 + 0.32² · (1 · 164 / 165²) / 164 + 0.645² · (2 · 323 / 325²)
    # / 324 = 5.708e-7 + 3.7612e-6 + 7.8532e-6; its root is 0.0034907. Published with the factor
    # 1.96: ± 68 418 pixels, 6 158 ha.
    found = assess(MAPPED, SAMPLES).shares[0]
    variance = 0.02**2 * 0.88 * 0.12 / 74 + (0.32 / 165) ** 2 + (0.645 / 325) ** 2 * 646 / 324
    assert found.error == pytest.approx(math.sqrt(variance), rel=1e-12)
    assert 1.96 * found.error * ALL == pytest.approx(68_418, abs=0.5)
    assert 1.96 * found.error * ALL * HECTARES == pytest.approx(6_158, abs=0.5)
    assert found.high - found.share == pytest.approx(1.96 * found.error, rel=1e-4)
    assert found.share - found.low == pytest.approx(1.96 * found.error, rel=1e-4)


def test_the_published_accuracies_are_found() -> None:
    found = assess(MAPPED, SAMPLES)
    assert round(found.overall, 2) == 0.95
    assert [round(one, 2) for one in found.users] == [0.88, 0.73, 0.93, 0.96]
    assert [None if p is None else round(p, 2) for p in found.producers] == [0.75, 0.85, 0.93, 0.96]


def test_a_map_without_errors_is_left_as_it_is() -> None:
    found = estimate(0.43, ((50, 0), (0, 50)))
    assert (found.share, found.error, found.low, found.high) == (0.43, 0.0, 0.43, 0.43)


def test_more_samples_of_the_same_rates_make_it_surer() -> None:
    few, many = estimate(0.4, ((45, 5), (10, 40))), estimate(0.4, ((450, 50), (100, 400)))
    assert many.share == pytest.approx(few.share)
    # The variance goes with 1 / (n - 1): 499 / 49 times less.
    assert few.error / many.error == pytest.approx(math.sqrt(499 / 49))


def test_a_class_that_occurs_nowhere_has_no_producers_accuracy() -> None:
    found = assess((0.0, 1.0), ((2, 0), (0, 2)))
    assert found.producers == (None, 1.0)


counts = st.integers(0, 300)
rows = st.tuples(counts, counts).filter(lambda row: sum(row) >= 2)
matrices = st.tuples(rows, rows)
shares = st.floats(0, 1)


@given(shares, matrices)
def test_the_shares_of_what_counts_and_of_the_rest_make_the_whole(
    mapped: float, matrix: tuple[tuple[int, ...], ...]
) -> None:
    found = assess((mapped, 1 - mapped), matrix)
    assert math.fsum(one.share for one in found.shares) == pytest.approx(1)
    assert found.shares[0].error == pytest.approx(found.shares[1].error)
    for one in found.shares:
        assert 0 <= one.low <= one.share + 1e-12
        assert one.share - 1e-12 <= one.high <= 1


@given(shares, matrices)
def test_the_order_of_the_classes_is_irrelevant(
    mapped: float, matrix: tuple[tuple[int, ...], ...]
) -> None:
    turned = tuple(tuple(reversed(row)) for row in reversed(matrix))
    one, other = assess((mapped, 1 - mapped), matrix), assess((1 - mapped, mapped), turned)
    assert one.shares[0].share == pytest.approx(other.shares[1].share)
    assert one.overall == pytest.approx(other.overall)


@given(st.floats(0, 1), st.floats(0, 1), matrices)
def test_the_estimate_of_a_mixture_is_the_mixture_of_the_estimates(
    one: float, other: float, matrix: tuple[tuple[int, ...], ...]
) -> None:
    half = estimate((one + other) / 2, matrix).share
    assert half == pytest.approx((estimate(one, matrix).share + estimate(other, matrix).share) / 2)


@pytest.mark.parametrize(
    "matrix, said",
    [
        ([[50, 1], [1, 0]], "row 2 holds 1 samples; each class of the map needs at least 2"),
        ([[50, 1], [1]], "row 2 has 1 numbers, the matrix 2 rows; it is square"),
        ([[50, -1], [1, 50]], "greater than or equal to 0"),
        ([[50]], "at least 2 items"),
        ([[5, 1, 1], [1, 5, 1], [1, 1, 5]], "the matrix has 3 classes; give two"),
    ],
    ids=["too few", "not square", "negative", "one class", "three classes"],
)
def test_a_matrix_that_tells_nothing_is_refused(matrix: list[list[int]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(TwoClasses).validate_python(matrix)


def test_a_matrix_of_any_number_of_classes_is_taken_as_it_is() -> None:
    assert TypeAdapter(Matrix).validate_python([list(row) for row in SAMPLES]) == SAMPLES

"""The basis of data: an order from official to synthetic, and the weakest of several."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import BASES, Basis, is_conclusive, weakest

bases = st.lists(st.sampled_from(BASES), min_size=1)


def test_official_data_are_strongest_and_synthetic_weakest() -> None:
    assert BASES == ("official", "open", "digitised", "sketch", "synthetic")


@given(bases, st.randoms())
def test_the_order_of_inputs_is_irrelevant(found: list[Basis], random: Random) -> None:
    shuffled = found.copy()
    random.shuffle(shuffled)
    assert weakest(shuffled) == weakest(found)


@given(bases, bases)
def test_more_inputs_never_make_a_stronger_basis(some: list[Basis], more: list[Basis]) -> None:
    assert BASES.index(weakest(some + more)) >= BASES.index(weakest(some))
    assert weakest(some + more) == weakest([weakest(some), weakest(more)])


def test_no_inputs_have_no_basis() -> None:
    with pytest.raises(ValueError, match="empty"):
        weakest([])


@pytest.mark.parametrize(
    "basis,conclusive",
    [
        ("official", True),
        ("open", True),
        ("digitised", True),
        ("sketch", False),
        ("synthetic", False),
    ],
)
def test_sketches_and_inventions_are_not_conclusive(basis: Basis, conclusive: bool) -> None:
    assert is_conclusive(basis) is conclusive

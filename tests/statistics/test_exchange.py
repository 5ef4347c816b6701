"""Who changes places with whom: drawn permutations, and all distinct ones where they are few."""

from math import comb, factorial

import numpy as np
import pytest

from cubnm_core.statistics import exchange, permutation

BLOCKS = np.array(["a", "b", "a", "c", "b", "c", "a"])


def test_permutations_keep_to_their_blocks():
    drawn = exchange.draw_permutations(7, 200, seed=0, blocks=BLOCKS)
    assert (BLOCKS[drawn] == BLOCKS).all()
    assert (np.sort(drawn, axis=1) == np.arange(7)).all()
    assert len(np.unique(drawn, axis=0)) == 6 * 2 * 2
    np.testing.assert_array_equal(drawn[:50], exchange.draw_permutations(7, 200, 0, BLOCKS)[:50])


def test_blocks_of_one_size_change_places_as_wholes():
    blocks = np.array(["a", "a", "b", "b", "c", "c", "d"])
    drawn = exchange.draw_permutations(7, 200, seed=0, blocks=blocks, whole=True)
    assert len(np.unique(drawn, axis=0)) == 6
    assert (drawn[:, 6] == 6).all()
    assert (drawn[:, 1] - drawn[:, 0] == 1).all()


def groups(*sizes):
    """Intercept and group of so many people, in random order."""
    group = np.repeat([0.0, 1.0], sizes)[np.random.default_rng(0).permutation(sum(sizes))]
    return np.column_stack([np.ones(len(group)), group])


PAIRS = np.repeat(np.arange(6), 2)
FEW = {
    "groups": (groups(4, 3), {}, comb(7, 3)),
    "groups and a covariate": (np.column_stack([groups(3, 3), np.arange(6) ** 2]), {}, factorial(6)),
    "blocks": (np.column_stack([np.ones(7), [0, 0, 1, 1, 1, 0, 1]]), {"blocks": BLOCKS}, 3 * 2 * 2),
    "whole blocks": (
        np.column_stack([np.ones(12), PAIRS % 2]).astype(float),
        {"blocks": PAIRS, "whole": True},
        comb(6, 3),
    ),
    "relatives": (np.column_stack([np.ones(4), [0, 0, 1, 1]]), {"clusters": [0, 0, 1, 1]}, 6),
    "relatives in both groups": (np.column_stack([np.ones(4), [0, 1, 0, 1]]), {"clusters": [0, 0, 1, 1]}, 24),
}


@pytest.mark.parametrize(("design", "options", "count"), FEW.values(), ids=FEW)
def test_all_distinct_orders_are_given_where_they_are_few(design, options, count):
    found = exchange.choose_permutations(design, count, seed=0, **options)
    assert found.exhaustive and found.count == count
    assert (np.sort(found.orders, axis=1) == np.arange(len(design))).all()
    clusters = np.asarray(options.get("clusters", np.zeros(len(design))))
    rows = np.column_stack([design, clusters])
    arranged = {rows[order].tobytes() for order in [np.arange(len(rows)), *found.orders]}
    assert len(arranged) == count
    blocks = np.asarray(options.get("blocks", np.zeros(len(design))))
    if not options.get("whole"):
        assert (blocks[found.orders] == blocks).all()


@pytest.mark.parametrize(("design", "options", "count"), FEW.values(), ids=FEW)
def test_orders_are_drawn_where_they_are_too_many(design, options, count):
    found = exchange.choose_permutations(design, count - 1, seed=0, **options)
    assert not found.exhaustive and found.count == len(found.orders) == count - 1


def test_all_orders_give_the_p_of_many_drawn_ones():
    rng = np.random.default_rng(2)
    design = groups(5, 4)
    responses = rng.normal(size=(9, 30)) + 1.5 * design[:, 1:]
    chosen = exchange.choose_permutations(design, 1000, seed=0)
    assert chosen.count == comb(9, 4)
    exact = permutation.permutation_test(design, [1], responses, chosen.orders)[0]
    drawn = exchange.draw_permutations(9, 20_000, seed=0)
    near = permutation.permutation_test(design, [1], responses, drawn)[0]
    np.testing.assert_allclose(exact, near, atol=0.015)


@pytest.mark.parametrize(("sizes", "alike"), [((4, 4), 2), ((5, 3), 1)])
def test_groups_of_one_size_that_change_places_give_the_same_p(sizes, alike):
    design = groups(*sizes)
    orders = exchange.choose_permutations(design, 1000, seed=0).orders
    smallest = permutation.smallest_p(design, [1], orders)
    assert smallest == pytest.approx(alike / comb(8, sizes[0]))
    response = design[:, 1:] * 50 + np.random.default_rng(0).normal(size=(8, 1))
    assert permutation.permutation_test(design, [1], response, orders)[0][0] == pytest.approx(smallest)


def test_what_does_not_vary_within_blocks_does_not_move():
    values = (PAIRS % 2)[:, None]
    assert exchange.is_movable(values)
    assert not exchange.is_movable(values, PAIRS)
    assert exchange.is_movable(values, PAIRS, whole=True)

"""Parameters, connectomes and scans of different people, crossed: known answers with a made-up simulator."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cubnm_core.connectomes.group import PooledConnectomes, mean_connectome, pool_connectomes, without
from cubnm_core.evidence import cross
from cubnm_core.evidence.identification import identify, person_similarity, similarity
from cubnm_core.fitting.candidates import Tuner
from cubnm_core.fitting.packing import Packer
from cubnm_core.measures.objective import Objective, Target
from cubnm_core.statistics.paired import compare_paired

N_NODES, N_PAIRS = 6, 15
PAIRS = np.tril_indices(N_NODES, -1)
OBJECTIVE = Objective({"fc_corr": 1.0}, band=None)


def model_fc(weights, params):
    """FC of the made-up model: connectome, shifted by a parameter, less inhibition."""
    return np.roll(weights[PAIRS], int(params["G"])) - params["wIE"][PAIRS[0]]


def simulate_batch(weights, connectome, params, seed, lengths):
    """Give the FC of the model with noise of the seed; parameters G of 99 diverge."""
    rows = [{name: values[row] for name, values in params.items()} for row in range(len(seed))]
    fc = np.stack([model_fc(weights[host], row) for host, row in zip(connectome, rows, strict=True)])
    fc += 1e-6 * np.stack([np.random.default_rng(number).standard_normal(N_PAIRS) for number in seed])
    diverged = params["G"] == 99
    fc[diverged] = np.nan
    return SimpleNamespace(fc=fc, fcd=None, state_means={}, status=diverged.astype(int), params=params)


def simulate_control(weights, connectome, params, seed, lengths):
    """Inhibition of the made-up control: the strength of every node, whatever the parameters."""
    assert "wIE" not in params
    return SimpleNamespace(params={**params, "wIE": weights[connectome].sum(axis=2)})


def person(seed, shift):
    """Somebody whose scans are what the own model predicts."""
    weights = np.random.default_rng(seed).lognormal(size=(N_NODES, N_NODES))
    params = {"G": float(shift), "wIE": weights.sum(axis=1)}
    fc = model_fc(weights, params)
    return cross.Member(weights, params, {"train": Target(fc), "test": Target(fc + 0.1)})


def group(members):
    """The mean of some people."""
    weights = np.mean([member.weights for member in members], axis=0)
    return cross.Member(weights, cross.mean_parameters([member.params for member in members]))


@pytest.fixture
def members():
    """A person, three others, and their group."""
    people = [person(seed, shift) for seed, shift in enumerate((1, 2, 3, 4))]
    return [*people, group(people[1:])]


TUNER = Tuner("wIE", Packer(simulate_control), seed=0)


def test_every_exchange_of_parameters_and_connectomes_is_listed_once():
    pairs = cross.pairings(3)
    kinds = [(pair.parameters, pair.connectome) for pair in pairs]
    own, others, group = cross.OWNERS
    counts = {
        (own, own): 1, (own, others): 3, (own, group): 1,
        (others, own): 3, (others, others): 3, (others, group): 3,
        (group, own): 1, (group, others): 3, (group, group): 1,
    }  # fmt: skip
    assert {kind: kinds.count(kind) for kind in set(kinds)} == counts
    assert all(pair.giver == pair.host for pair in pairs if pair.parameters == pair.connectome == others)
    assert [pair.host for pair in pairs] == sorted(pair.host for pair in pairs)
    assert cross.pairings(0) == [cross.Pairing(own, own, 0, 0)]


def test_scores_of_known_exchanges(members):
    cells = cross.cross(members, Packer(simulate_batch), OBJECTIVE, [1, 2], TUNER)

    def score(parameters, connectome, data, inhibition="fitted"):
        return cells[parameters, connectome, data, inhibition, "train", "fc_corr"]

    def expected(giver, host, target, weights=None):
        params = members[giver].params | ({} if weights is None else {"wIE": weights})
        simulated = model_fc(members[host].weights, params)
        return np.corrcoef(simulated, members[target].targets["train"].fc)[0, 1]

    assert score("own", "own", "own").values == pytest.approx(1.0)
    assert score("others", "own", "own").values.mean() == pytest.approx(
        np.mean([expected(other, 0, 0) for other in (1, 2, 3)]), abs=1e-4
    )
    strength = [member.weights.sum(axis=1) for member in members]
    assert score("others", "own", "own", "tuned").values.mean() == pytest.approx(
        np.mean([expected(other, 0, 0, strength[0]) for other in (1, 2, 3)]), abs=1e-4
    )
    assert score("own", "group", "own", "tuned").values.mean() == pytest.approx(
        expected(0, 4, 0, strength[4]), abs=1e-4
    )
    foreign = [expected(giver, giver, to) for giver in (1, 2, 3) for to in (1, 2, 3) if to != giver]
    assert score("others", "others", "others").values.mean() == pytest.approx(np.mean(foreign), abs=1e-4)
    assert score("others", "others", "others").n_pairs == 6
    assert score("own", "own", "others").n_pairs == 3 and score("own", "others", "others").n_pairs == 6
    assert score("group", "group", "own").n_pairs == 1


def test_a_connectome_that_everybody_has_is_not_exchanged(members):
    shared = [replace(member, weights=members[0].weights) for member in members]
    seen = []

    def counting(weights, connectome, params, seed, lengths):
        seen.append(len(seed))
        return simulate_batch(weights, connectome, params, seed, lengths)

    cells = cross.cross(shared, Packer(counting), OBJECTIVE, [1, 2], TUNER)
    assert {connectome for _, connectome, *_ in cells} == {"own"}
    assert sum(seen) == cross.n_simulations(3, 2, control=True, one_connectome=True) == 12
    whole = cross.cross(members, Packer(simulate_batch), OBJECTIVE, [1, 2], TUNER)
    for data in ("own", "others"):
        key = ("others", "own", data, "fitted", "test", "fc_corr")
        np.testing.assert_allclose(cells[key].values, whole[key].values, atol=1e-9)


def test_weights_that_suit_the_connectome_are_simulated_once(members):
    seen = []

    def counting(weights, connectome, params, seed, lengths):
        seen.append(len(seed))
        return simulate_batch(weights, connectome, params, seed, lengths)

    cells = cross.cross(members, Packer(counting, 10), OBJECTIVE, [1, 2], TUNER)
    assert max(seen) == 10 and sum(seen) == cross.n_simulations(3, 2, control=True)
    for kinds in (("own", "own"), ("others", "others")):
        tuned, fitted = (cells[(*kinds, "own", how, "test", "cost")] for how in ("tuned", "fitted"))
        np.testing.assert_array_equal(tuned.values, fitted.values)
    whole = cross.cross(members, Packer(simulate_batch), OBJECTIVE, [1, 2], TUNER)
    assert all(np.array_equal(cells[key].values, whole[key].values) for key in whole)


def test_without_control_there_is_one_kind_of_inhibition(members):
    cells = cross.cross(members, Packer(simulate_batch), OBJECTIVE, [1, 2])
    assert {key[3] for key in cells} == {"none"}


def test_alone_there_is_the_own_model_only(members):
    cells = cross.cross(members[:1], Packer(simulate_batch), OBJECTIVE, [1, 2], TUNER)
    assert {key[:3] for key in cells} == {("own", "own", "own")}


def test_one_other_person_leaves_no_foreign_scans_for_what_they_gave(members):
    cells = cross.cross([*members[:2], group(members[1:2])], Packer(simulate_batch), OBJECTIVE, [1, 2], TUNER)
    foreign = {key[:2] for key in cells if key[2] == "others"}
    assert foreign == {("own", "own"), ("own", "group"), ("group", "own"), ("group", "group")}


def test_a_simulation_that_failed_counts_as_the_worst_and_is_told(members):
    members[2].params["G"] = 99.0
    cells = cross.cross(members, Packer(simulate_batch), OBJECTIVE, [1, 2, 3], TUNER)
    cell = cells["others", "own", "own", "fitted", "train", "fc_corr"]
    assert cell.n_failed == 3 and cell.values.mean() < 0.67


def test_targets_without_a_test_split_are_scored_on_the_other(members):
    for member in members:
        member.targets.pop("test", None)
    cells = cross.cross(members, Packer(simulate_batch), OBJECTIVE, [1, 2], TUNER)
    assert {key[4] for key in cells} == {"train"}


def test_the_group_without_a_person_is_the_group_of_the_others():
    generator = np.random.default_rng(3)
    people = []
    for _ in range(4):
        weights = generator.lognormal(size=(5, 5)) * (generator.random((5, 5)) < 0.5)
        people.append((weights, generator.uniform(10.0, 100.0, (5, 5)) * (weights > 0)))
    left = without(pool_connectomes(people), pool_connectomes(people[:1]))
    alone = pool_connectomes(people[1:])
    for name in PooledConnectomes.__dataclass_fields__:
        np.testing.assert_allclose(getattr(left, name), getattr(alone, name), atol=1e-12)
    weights, lengths = mean_connectome(left)
    assert ((weights > 0) == (alone.present > 0)).all() and ((lengths > 0) == (alone.measured > 0)).all()


def verdict_of(own_matters, seed, n_people=12):
    """Verdict on own connectomes in a cohort whose scans follow the own connectome, or that of the group."""
    generator = np.random.default_rng(seed)
    shared = generator.lognormal(size=(N_NODES, N_NODES))
    people = [shared * generator.lognormal(0, 0.5, shared.shape) for _ in range(n_people)]
    scores = []
    for mine, weights in enumerate(people):
        params = {"G": 0.0, "wIE": np.zeros(N_NODES)}
        source = weights if own_matters else shared
        target = Target(source[PAIRS] + generator.normal(0, 0.5, N_PAIRS))
        others = [cross.Member(other, params) for number, other in enumerate(people) if number != mine]
        me = cross.Member(weights, params, {"test": target})
        members = [me, *others, group(others)]
        scores.append(cross.cross(members, Packer(simulate_batch), OBJECTIVE, [1, 2]))
    one, other = (
        [cells[(*condition, "none", "test", "fc_corr")].values.mean() for cells in scores]
        for condition in cross.CONTRASTS["connectome_others"]
    )
    return compare_paired(one, other, higher_is_better=True).verdict


def test_own_connectomes_are_better_where_they_matter_and_not_told_where_they_do_not():
    assert [verdict_of(True, seed) for seed in range(5)] == ["better"] * 5
    found = [verdict_of(False, seed) for seed in range(5)]
    assert found.count("not distinguishable") >= 4


def test_similarity_is_the_correlation_of_every_two():
    generator = np.random.default_rng(5)
    one, other = generator.standard_normal((3, 20)), generator.standard_normal((4, 20))
    np.testing.assert_allclose(similarity(one, other), np.corrcoef(one, other)[:3, 3:])


def test_sessions_of_a_person_are_averaged():
    values = np.arange(12.0).reshape(3, 4)
    people, averaged = person_similarity(values, ["a", "a", "b"], ["b", "a", "b", "c"])
    assert people == ["a", "b"]
    np.testing.assert_allclose(averaged, [[values[:2, 1].mean(), values[:2, [0, 2]].mean()], [9.0, 9.0]])
    assert person_similarity(values[:0], [], ["a"] * 4)[0] == []


@pytest.mark.parametrize("n", [2, 5, 7])
def test_identification_has_the_exact_p_of_permuted_labels(n):
    found = identify(np.eye(n))
    assert found.rate == 1.0 and found.chance == 1 / n
    assert found.p == pytest.approx(1 / np.prod(np.arange(1, n + 1)))


def test_one_candidate_like_everybody_is_found_once_by_chance_and_that_is_no_evidence():
    values = np.zeros((6, 6))
    values[2] = 1.0
    found = identify(values)
    assert found.rate == pytest.approx(1 / 6) and found.p == 1.0
    assert (found.chance_low, found.chance_high) == (pytest.approx(1 / 6), pytest.approx(1 / 6))


@pytest.mark.slow
def test_identification_of_many_people_by_drawn_permutations():
    generator = np.random.default_rng(6)
    noise = generator.standard_normal((20, 20))
    assert identify(noise + 3 * np.eye(20)).p < 0.001
    assert identify(noise + 3 * np.eye(20)).p > 0.0
    rates = [identify(generator.standard_normal((9, 9))).p < 0.05 for _ in range(60)]
    assert np.mean(rates) < 0.15


def test_ties_find_nobody_and_one_person_cannot_be_identified():
    assert identify(np.ones((3, 3))).rate == 0.0
    assert identify(np.ones((1, 1))) is None

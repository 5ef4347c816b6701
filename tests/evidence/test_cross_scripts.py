"""Rules of the cross and of held-out people, on files of a few people."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from cohorts import TinyCohort
from planned_jobs import counts
from prepared import PreparedCohort

from cubnm_core.connectomes.group import mean_connectome
from cubnm_core.evidence.cross import Cell, n_simulations
from workflow_scripts.cohort import batches, folds
from workflow_scripts.cohort.units import Unit
from workflow_scripts.configuration import configuration, fit_settings, start
from workflow_scripts.evidence import (
    cross,
    cross_parameters,
    cross_people,
    cross_tables,
    held_out_people,
)
from workflow_scripts.files import job
from workflow_scripts.files.archives import Archive
from workflow_scripts.fitting import best_fits, evaluate, fit
from workflow_scripts.fitting.people import People
from workflow_scripts.planning import estimates
from workflow_scripts.preparation import group, group_average

FREE = {"G": [0.5, 5.0], "w_p": [0.2, 2.0]}
SEARCH = {"population": 4, "generations": 3, "restarts": 1}
SEEDS = {"first_seed": 1000, "seeds": 2}
POOL = {
    "connectomes": ["pool/connectomes.npz", "pool/connectomes.json"],
    "targets": [f"pool/split-{split}.{ending}" for split in ("train", "test") for ending in ("npz", "json")],
    "group": "pool/group.npz",
}
PARAMETERS = {"fits": "pool/fits.tsv", "regional_parameters": "pool/regional_parameters.tsv"}


class Crossed(PreparedCohort):
    """People who were fitted, evaluated and crossed; the first has no usable held-out scan."""

    def run(self, others=5):
        self.state(self.units[0]["unit"], "test", status="excluded", reasons=["too short"])
        fit.main(self.sm("fit"))
        evaluate.main(self.sm("evaluate", **SEEDS))
        self.pool()
        self.cross(others)
        return self

    def pool(self):
        """Rules cross_people and cross_parameters."""
        sm = self.sm("evaluate")
        sm.output = SimpleNamespace(**{**POOL, "targets": POOL["targets"][: 2 * len(self.splits)]})
        cross_people.main(sm)
        done = self.sm("evaluate").output
        fits = self.sm("fit").output.fits
        sm.input = SimpleNamespace(fits=[fits], regional_parameters=[done.regional_parameters])
        sm.output = SimpleNamespace(**PARAMETERS)
        cross_parameters.main(sm)

    def cross(self, others, units=None):
        """Rule cross of some units."""
        sm = self.sm("evaluate", others=others, **SEEDS)
        sm.params.units = units or self.units
        vars(sm.input).update(
            regional_parameters=sm.output.regional_parameters,
            people="pool/connectomes.npz",
            scans=[f"pool/split-{split}.npz" for split in self.splits],
            group=POOL["group"],
            all_fits=PARAMETERS["fits"],
            all_regional_parameters=PARAMETERS["regional_parameters"],
        )
        sm.output = ["cross.tsv"]
        cross.main(sm)
        return read("cross.tsv")

    def hold_out(self, parted):
        """Rules fold_average, fold_fit and held_out_people."""
        paths = []
        for fold, members in parted.items():
            sm = self.sm("fit", group=folds.group_of(fold))
            sm.params.units = [ids for ids in self.units if ids["unit"] not in members]
            sm.wildcards = SimpleNamespace(fold=fold, average="mean")
            sm.output = SimpleNamespace(npz=f"fold-{fold}.npz", json=f"fold-{fold}.json")
            group_average.main(sm)
            paths.append(sm.output.npz)
        sm = self.sm("fit")
        sm.params.units = [folds.group_of(fold) for fold in parted]
        sm.params.settings = start.fold_settings(self.settings)
        sm.input.connectomes = sm.input.targets = paths
        fit.main(sm)
        held_out = {unit: fold for fold, members in parted.items() for unit in members}
        sm = self.sm("evaluate", **SEEDS)
        sm.params.units = [{**ids, "fold": held_out[ids["unit"]]} for ids in self.units]
        sm.output = ["held_out_people.tsv"]
        held_out_people.main(sm)
        return read("held_out_people.tsv")

    def tables(self, crossed=("cross.tsv",), held_out=()):
        """Rule cross_tables."""
        sm = self.sm("evaluate", fits=["homogeneous"], batches={"001": []})
        inputs = {"evaluation": [sm.output.evaluation], "simulations": [sm.output.simulations]}
        vars(sm.input).update(cross=list(crossed), held_out_people=list(held_out), **inputs)
        names = ("cross", "held_out_people", "contrasts", "identification")
        sm.output = SimpleNamespace(**{name: f"cohort/{name}.tsv" for name in names})
        cross_tables.main(sm)
        return {name: read(f"cohort/{name}.tsv") for name in names}


def read(path):
    return pd.read_csv(path, sep="\t", dtype={"participant_id": str, "fold": str}, na_values=["n/a"])


@pytest.fixture(scope="module")
def crossed_cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crossed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield Crossed(folder, people=("01", "02", "03", "04")).run()


def chosen(table, **values):
    return table[(table[list(values)] == pd.Series(values)).all(axis=1)]


def test_own_parts_score_as_in_the_evaluation(crossed_cohort):
    table = crossed_cohort.cross(others=5)
    own = chosen(table, parameters="own", connectome="own", data="own", inhibition="fitted", measure="cost")
    scored = chosen(read(crossed_cohort.sm("evaluate").output.evaluation), measure="cost")
    merged = own.merge(scored, on=["participant_id", "split"])
    assert len(merged) == len(scored) == 7
    np.testing.assert_allclose(merged["mean_x"], merged["mean_y"])
    np.testing.assert_allclose(merged["sd_x"], merged["sd_y"])
    assert (table["seeds"] == "1000-1001").all() and (table["pairs"] == "all").all()
    assert set(table["inhibition"]) == {"fitted", "tuned"} and (table["n_failed"] == 0).all()


def test_scans_that_a_person_lacks_count_neither_as_own_nor_as_others(crossed_cohort):
    table = crossed_cohort.cross(others=5)
    assert set(chosen(table, data="own", participant_id="01")["split"]) == {"train"}
    foreign = chosen(
        table, parameters="own", connectome="own", data="others", measure="cost", inhibition="tuned"
    )
    counted = {(row.participant_id, row.split): row.n_pairs for row in foreign.itertuples()}
    assert counted["02", "train"] == 3 and counted["02", "test"] == 2 and counted["01", "test"] == 3


def test_who_is_drawn_stays_when_people_are_added(crossed_cohort):
    before, after = ["02", "03", "04"], ["02", "03", "04", "05", "06", "07"]
    drawn = cross.order_others("01", ["01", *after])
    assert [person for person in drawn if person in before] == cross.order_others("01", before)
    orders = {tuple(cross.order_others(person, after)) for person in ("01", "11", "12", "13", "14")}
    assert len(orders) > 1


def test_others_are_as_many_as_asked_for(crossed_cohort):
    table = crossed_cohort.cross(others=2, units=crossed_cohort.units[1:2])
    swapped = chosen(table, parameters="others", connectome="own", data="own", measure="cost", split="train")
    assert set(swapped["n_pairs"]) == {2}


def test_the_group_of_a_person_is_that_of_the_others(crossed_cohort):
    scans = ["pool/split-train.npz", "pool/split-test.npz"]
    everybody = cross.Members(
        People("pool/connectomes.npz", scans, crossed_cohort.splits, crossed_cohort.settings),
        best_fits.read_parameters(*PARAMETERS.values(), "homogeneous"),
    )
    member = cross.group_of_others("02", everybody, group.read_sums(POOL["group"]))
    own = [
        Archive(crossed_cohort.connectome(f"sub-{name}")).arrays(f"sub-{name}") for name in ("01", "03", "04")
    ]
    np.testing.assert_allclose(member.weights, np.mean([arrays["weights"] for arrays in own], axis=0))
    others = [everybody.params[name, "n/a"] for name in ("01", "03", "04")]
    assert member.params["G"] == pytest.approx(np.mean([params["G"] for params in others]))
    np.testing.assert_allclose(member.params["wIE"], np.mean([params["wIE"] for params in others], axis=0))
    total, _ = mean_connectome(group.read_sums(POOL["group"]))
    assert not np.allclose(total, member.weights)


def test_tables_of_the_cohort(crossed_cohort):
    crossed_cohort.cross(others=5)
    held_out = crossed_cohort.hold_out({"0": ["sub-01", "sub-03"], "1": ["sub-02", "sub-04"]})
    assert set(zip(held_out["participant_id"], held_out["fold"], strict=True)) == {
        ("01", "0"), ("02", "1"), ("03", "0"), ("04", "1"),
    }  # fmt: skip
    assert set(held_out["split"]) == {"train", "test"} and (held_out["n_seeds"] == 2).all()
    found = crossed_cohort.tables(held_out=["held_out_people.tsv"])
    contrasts = found["contrasts"]
    assert set(contrasts["contrast"]) == {*cross_tables.core.CONTRASTS, cross_tables.HELD_OUT}
    assert set(chosen(contrasts, split="test")["n_people"]) == {3}
    one = chosen(
        contrasts, contrast="connectome_others", inhibition="tuned", split="train", measure="fc_corr"
    )
    scores = chosen(found["cross"], inhibition="tuned", split="train", measure="fc_corr", data="own")
    wide = scores[scores["parameters"] == "own"].pivot(
        index="participant_id", columns="connectome", values="mean"
    )
    assert one["difference"].item() == pytest.approx((wide["own"] - wide["others"]).mean())
    rates = found["identification"]
    directions = [("simulated", "train"), ("simulated", "test"), ("empirical", "test")]
    assert {(row.source, row.split, row.direction) for row in rates.itertuples()} == {
        (*where, direction) for where in directions for direction in ("scan", "simulation")
    }
    assert set(chosen(rates, split="test")["n_people"]) == {3}


@pytest.mark.slow
def test_people_with_scans_of_different_length_are_crossed_and_held_out(tmp_path, monkeypatch):
    """Own parts score as in the evaluation, although simulations last as long as anybody's longest scans."""
    monkeypatch.chdir(tmp_path)
    cohort = Crossed(tmp_path)
    cohort.settings["free"], cohort.settings["optimizer"] = FREE, {**cohort.settings["optimizer"], **SEARCH}
    cohort.settings["simulation"]["duration"] = "match"
    cohort.settings["objective"] = {"fc_corr": 1.0, "fcd_ks": 1.0}  # rates are means over the simulation
    for unit, runs in (("sub-01", [40]), ("sub-02", [24, 20]), ("sub-03", [50])):
        for split in cohort.splits:
            known = {"status": "ok", "reasons": [], "repetition_time": 1.0, "run_volumes": runs}
            cohort.state(unit, split, **known)
    arrays = job.read_npz(cohort.target("sub-03", "train"))
    censored = {name.partition("/")[2]: values for name, values in arrays.items()}
    cohort.write_target("sub-03", "train", **censored, kept=np.arange(50) % 6 > 0)
    cohort.run(others=2)
    scored = chosen(read(cohort.sm("evaluate").output.evaluation), measure="cost")
    own = chosen(read("cross.tsv"), measure="cost", parameters="own", connectome="own", data="own")
    own = own[own["inhibition"] == "fitted"]
    scored, own = (frame.set_index(["participant_id", "split"]) for frame in (scored, own))
    assert set(own.index) == set(scored.index) and len(own) >= 5
    np.testing.assert_allclose(own["mean"].loc[scored.index], scored["mean"], atol=1e-6)
    held_out = cohort.hold_out({"1": ["sub-01", "sub-02"], "2": ["sub-03"]})
    assert set(held_out.loc[held_out["measure"] == "fcd_ks", "participant_id"]) == {"01", "02", "03"}
    record = job.read_json("fold-2.json")
    assert next(iter(record.values()))["run_volumes"] == [24]


def test_a_group_has_the_runs_of_its_median_member():
    members = [Unit(name) for name in ("01", "02", "03")]
    runs = {"01": ([300], 1.0), "02": ([400, 400], 0.5), "03": ([300, 290], 1.0)}
    records = {
        f"sub-{name}": {"run_volumes": volumes, "repetition_time": time}
        for name, (volumes, time) in runs.items()
    }
    assert group_average.median_runs(members, records, 0.5) == [580, 580]
    assert group_average.median_runs(members[:1], records, 1.0) == [300]
    assert group_average.median_runs(members[:1], {"sub-01": {"repetition_time": 1.0}}, 1.0) == []


def test_with_everything_off_the_tables_are_there_and_say_so(crossed_cohort):
    found = crossed_cohort.tables(crossed=())
    assert all(found[name].empty for name in ("cross", "held_out_people", "contrasts"))
    assert len(found["identification"])


def test_one_person_alone_without_held_out_scans_and_fcd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort = Crossed(tmp_path, people=("01",))
    cohort.splits = ["train"]
    cohort.settings["objective"] = {"fc_corr": 1.0}
    fc = Archive(cohort.target("sub-01", "train")).arrays("sub-01")["fc"]
    cohort.write_target("sub-01", "train", fc=fc)
    fit.main(cohort.sm("fit"))
    evaluate.main(cohort.sm("evaluate", **SEEDS))
    cohort.pool()
    table = cohort.cross(others=5)
    assert set(table["measure"]) == {"fc_corr", "cost"} and set(table["connectome"]) == {"own"}
    found = cohort.tables()
    assert found["contrasts"].empty and found["identification"].empty


@pytest.mark.slow
def test_costs_of_exchanges_hold_observables_and_terms_that_ask_for_bold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort = Crossed(tmp_path)
    text = "def term(simulated_bold, target_bold):\n    return simulated_bold.std() / target_bold[0].std()\n"
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    cohort.settings["terms"] = {"mine": {"file": "mine.py", "weight": 1.0, "worst": 9.0}}
    cohort.settings["analysis"]["observables"] = ["metastability"]
    cohort.settings["objective"] = {"fc_corr": 1.0, "metastability": 1.0}
    cohort.settings["optimizer"] |= SEARCH
    for unit, split in [(ids["unit"], split) for ids in cohort.units for split in cohort.splits]:
        arrays = Archive(cohort.target(unit, split)).arrays(unit)
        found = {
            "observable-metastability": np.array([0.2]),
            "bold-1": np.random.default_rng(3).random((9, 8)),
        }
        cohort.write_target(unit, split, **arrays, **found)
    cohort.run(others=1)
    table, evaluation = read("cross.tsv"), read(cohort.sm("evaluate").output.evaluation)
    whose = ["participant_id", "split", "measure"]
    own = table[(table[["parameters", "connectome", "data"]] == "own").all(axis=1)]
    own = own[own["inhibition"] == "fitted"].set_index(whose)["mean"]
    scored = evaluation[evaluation["measure"] == "cost"].set_index(whose)["mean"]
    np.testing.assert_allclose(own.reindex(scored.index).astype(float), scored.astype(float))


def units_of(people):
    return {f"sub-{name}": {"participant_id": name} for name in people}


def test_one_seed_has_no_spread(monkeypatch):
    monkeypatch.setattr(cross.scoring, "conditions", lambda settings, seeds: {})
    cells = {("own", "own", "own", "fitted", "train", "fc_corr"): Cell(np.array([0.5]), 1, 0)}
    (row,) = cross.cell_rows({}, cells, {}, [1000])
    assert row["mean"] == 0.5 and np.isnan(row["sd"])


def test_folds_stay_when_people_come_and_go():
    first = units_of(["01", "02", "03", "04"])
    before = folds.split_people(first, list(first), 3)
    assert before == {"0": ["sub-01", "sub-04"], "1": ["sub-02"], "2": ["sub-03"]}
    grown = units_of(["00", "01", "02", "03", "04"])
    after = folds.split_people(grown, [*first, "sub-00"], 3)
    assert after == {"0": ["sub-01", "sub-04"], "1": ["sub-00", "sub-02"], "2": ["sub-03"]}
    left = folds.split_people(units_of(["02", "03", "04"]), [*first], 3)
    assert left == {"0": ["sub-04"], "1": ["sub-02"], "2": ["sub-03"]}


def test_sessions_and_relatives_are_held_out_together():
    units = {f"sub-{name}_ses-{ses}": {"participant_id": name} for name in ("a", "b", "c") for ses in "12"}
    parted = folds.split_people(units, list(units), 5)
    assert all(len(members) == 2 and len({unit[:5] for unit in members}) == 1 for members in parted.values())
    related = folds.split_people(units, list(units), 5, {"a": "f", "c": "f"})
    assert related == {
        "0": ["sub-a_ses-1", "sub-a_ses-2", "sub-c_ses-1", "sub-c_ses-2"],
        "1": ["sub-b_ses-1", "sub-b_ses-2"],
    }


def test_who_cannot_be_parted_is_not_held_out():
    assert folds.split_people(units_of(["01"]), ["sub-01"], 5) == {}
    assert (
        folds.split_people(units_of(["01", "02"]), [], 0)
        == folds.split_people(units_of(["01", "02"]), [], 1)
        == {}
    )
    assert folds.split_people(units_of(["01", "02"]), [], 5, {"01": "f", "02": "f"}) == {}


def test_order_of_joining_outlasts_the_manifest():
    known = [{"unit": "sub-09", "batch_size": "8"}, {"unit": "sub-01", "batch_size": "8"}]
    packed = {"001": ["sub-01"], "002": ["sub-00"]}
    assert batches.join_order(packed, 8, known) == ["sub-09", "sub-01", "sub-00"]
    assert batches.join_order(packed, 4, known) == ["sub-01", "sub-00"]


def test_fits_of_folds_see_the_training_scans_of_other_people_only(snakemake, tmp_path):
    cohort = TinyCohort(tmp_path, participants=("01", "02", "03"))
    cohort.config |= {"batch_size": 1, "evaluation": {"seeds": 2, "folds": 2, "others": 0}}
    code, text = snakemake("--dry-run", "cohort", config=cohort.write())
    assert code == 0, text
    planned = counts(text)
    assert planned["fold_average"] == 2 and planned["fold_fit"] == 1 and planned["held_out_people"] == 3
    assert "cross" not in planned and planned["cross_tables"] == 1


def test_the_plan_knows_the_price():
    config = {
        "manifest": "manifest.tsv",
        "nodes": "nodes.tsv",
        "bold": {"hemodynamics": "cubnm-3T"},
        "simulation": {"duration": 60.0, "burn_in": 10.0, "dt": 1.0e-3},
        "evaluation": {"others": 10, "cross_seeds": 3, "folds": 5},
        "fits": {"one": {"fic": "analytical", "free": FREE, "optimizer": SEARCH}},
    }
    completed = configuration.validate(config)
    fits = {"one": fit_settings.resolve_fit(completed, "one")}
    jobs = [(rule, {"fit": "one", "batch": "001"}) for rule in ("cross", "held_out_people")]
    jobs.append(("fold_fit", {"fit": "one"}))
    many, few = ({"001": [f"sub-{number}" for number in range(people)]} for people in (20, 3))
    counted = {
        (size, stage.rule): stage.simulations
        for size, batch in (("many", many), ("few", few))
        for stage in estimates.stages(
            jobs, fits, batch, completed["evaluation"] | {"one_connectome": size == "few"}, nodes=[]
        )
    }
    assert counted["many", "cross"] == 20 * n_simulations(10, 3, control=True)
    assert counted["few", "cross"] == 3 * n_simulations(2, 3, control=True, one_connectome=True)
    assert counted["many", "fold_fit"] == 5 * 4 * 3 and counted["few", "fold_fit"] == 3 * 4 * 3
    assert counted["many", "held_out_people"] == 20 * 3

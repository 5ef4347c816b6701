"""The report from made tables: what must be on the page, what must not, that it needs nothing but itself."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cubnm_core.connectivity import (
    functional_connectivity,
    functional_connectivity_dynamics,
    pair_indices,
    sliding_windows,
)
from workflow_scripts import job, report
from workflow_scripts.figures.style import Picture
from workflow_scripts.reporting import connectivity, convergence, parameters, scores, states
from workflow_scripts.reporting.comparison import compare

MEASURES = ("fc_corr", "fcd_ks", "fc_diff", "fc_normec", "rate_penalty", "cost")
EMPTY_COLUMNS = {
    "exclusions": ["participant_id", "session_id", "stage", "fit", "reason"],
    "states": [
        "participant_id",
        "session_id",
        "fit",
        "label",
        "hemisphere",
        "variable",
        "mean",
        "sd",
        "unit",
    ],
    "evaluation": [
        "participant_id",
        "session_id",
        "fit",
        "split",
        "measure",
        "mean",
        "sd",
        "n_seeds",
        "pairs",
        "band_pass",
        "window",
        "window_step",
        "seeds",
    ],
    "convergence": [
        "participant_id",
        "session_id",
        "fit",
        "restart",
        "generation",
        "simulations_so_far",
        "best_cost",
        "median_cost",
        "failed",
    ],
    "baselines": ["participant_id", "session_id", "split", "measure", "value", "pairs", "n"],
    "recovery": ["participant_id", "session_id", "fit", "parameter", "truth", "estimate"],
}


class MadeCohort:
    """Tables and arrays of a cohort that never was, with numbers as real ones would be."""

    def __init__(
        self,
        folder,
        people=6,
        fits=("homogeneous",),
        nodes=16,
        splits=("train", "test"),
        heldout_r=0.32,
        failed=(),
        restarts=2,
        truth=True,
        pairs="all",
        ids=None,
        generations=6,
    ):
        self.folder, self.fits, self.splits, self.pairs, self.restarts = (
            folder,
            list(fits),
            list(splits),
            pairs,
            restarts,
        )
        self.generations, self.heldout_r, self.truth = generations, heldout_r, truth
        self.rng = np.random.default_rng(3)
        self.ids = [
            {"unit": f"sub-{name}", "participant_id": name, "session_id": None}
            for name in (ids or [f"{k:02d}" for k in range(1, people + 1)])
        ]
        self.failed = {f"sub-{name}": reason for name, reason in dict(failed).items()}
        self.nodes = pd.DataFrame(
            {
                "index": range(nodes),
                "label": [f"region_{k}" for k in range(nodes)],
                "structure": "cortex",
                "hemisphere": ["L"] * (nodes // 2) + ["R"] * (nodes - nodes // 2),
                "network": [
                    ("Vis", "SomMot", "DorsAttn", "Default")[4 * (k % (nodes // 2)) // (nodes // 2) % 4]
                    for k in range(nodes)
                ],
            }
        )
        self.pair_index = pair_indices(nodes, self.nodes["hemisphere"].to_numpy(), pairs)

    def write(self):
        """Write every file and return what Snakemake would give the script."""
        tables = {
            name: getattr(self, f"_{name}")()
            for name in (
                "fits",
                "convergence",
                "evaluation",
                "states",
                "qc",
                "exclusions",
                "baselines",
                "recovery",
            )
        }
        paths = {}
        for name, rows in tables.items():
            paths[name] = str(self.folder / "results" / "cohort" / f"{name}.tsv")
            job.write_tsv(paths[name], rows, EMPTY_COLUMNS.get(name))
        if not self.truth:
            paths["recovery"] = []
        job.write_json(self.folder / "results" / "cohort" / "provenance.json", self._provenance())
        job.write_tsv(self.folder / "nodes.tsv", self.nodes)
        groups = [
            {"participant_id": entry["participant_id"], "group": ("control", "patient")[k % 2]}
            for k, entry in enumerate(self.ids)
        ]
        job.write_tsv(self.folder / "participants.tsv", groups)
        targets, simulations = self._arrays()
        inputs = SimpleNamespace(
            **paths,
            provenance=str(self.folder / "results/cohort/provenance.json"),
            targets=targets,
            simulations=simulations,
            nodes=str(self.folder / "nodes.tsv"),
            participants=str(self.folder / "participants.tsv"),
        )
        params = SimpleNamespace(
            units=self.ids,
            fits={fit: self._settings(fit) for fit in self.fits},
            splits=self.splits,
            holdout="run" if "test" in self.splits else "none",
        )
        return SimpleNamespace(
            input=inputs, params=params, output=[str(self.folder / "results/report/index.html")], log=[]
        )

    def page(self):
        """Write the cohort, run the script, read the page."""
        sm = self.write()
        report.main(sm)
        with open(sm.output[0], encoding="utf-8") as file:
            return file.read()

    def _settings(self, fit):
        return {
            "model": "rWW",
            "fic": "analytical",
            "free": {"G": [0.001, 10.0], "w_p": [0.0, 2.0], "J_N": [0.001, 0.5]},
            "fixed": {},
            "objective": {"fc_corr": 1.0, "fcd_ks": 1.0, "rate_penalty": 0.5},
            "noise_seed": 0,
            "optimizer": {
                "name": "cmaes",
                "population": 16,
                "generations": self.generations,
                "restarts": self.restarts,
                "seed": 1,
            },
            "simulation": {
                "duration": 270.0,
                "burn_in": 30.0,
                "dt": 5e-4,
                "hemodynamic_dt": 5e-3,
                "hemodynamics": "friston2003",
            },
            "analysis": {"pairs": self.pairs, "window": 30.0, "window_step": 5.0, "band_pass": None},
        }

    def _provenance(self):
        return {
            "software": {
                "cubnm_core": "0.1.0",
                "numpy": np.__version__,
                "snakemake": "9.27",
                "pymoo": "0.6.2",
            },
            "started": "2026-05-04T10:00:00",
            "seeds": {"noise_seed": 0, "evaluation": "1000-1009"},
            "inputs": {f"{k}.tsv": "ab" * 32 for k in range(20)},
            "config": {
                "manifest": "config/manifest.tsv",
                "connectome": {"source": "individual", "scaling": "subject_mean"},
                "synthetic": {"participants": len(self.ids)} if self.truth else None,
            },
        }

    def _well(self):
        return [(k, entry) for k, entry in enumerate(self.ids) if entry["unit"] not in self.failed]

    def _keys(self, entry):
        return {"participant_id": entry["participant_id"], "session_id": entry["session_id"]}

    def _true(self, k):
        return {
            "G": 1.4 + 0.9 * (k % 2) + 0.08 * (k // 2),
            "w_p": 0.7 + 0.04 * ((7 * k) % 9),
            "J_N": 0.15 + 0.004 * ((5 * k) % 7),
        }

    def _fits(self):
        rows = []
        for fit in self.fits:
            for k, entry in enumerate(self.ids):
                ridge = self.rng.normal(0, 0.25, self.restarts)
                for restart in range(self.restarts):
                    true = self._true(k)
                    estimates = {
                        "param_G": true["G"] + 0.12 * self.rng.normal(),
                        "param_w_p": true["w_p"] + ridge[restart],
                        "param_J_N": true["J_N"] * np.exp(-0.8 * ridge[restart]),
                    }
                    reason = self.failed.get(entry["unit"])
                    scores_ = {
                        "cost": -0.25 + 0.02 * restart,
                        "fc_corr": 0.38,
                        "fcd_ks": 0.12,
                        "fc_diff": 0.08,
                        "fc_normec": 0.4,
                        "rate_penalty": 0.01,
                    }
                    rows.append(
                        {
                            **self._keys(entry),
                            "fit": fit,
                            "restart": restart,
                            "status": "failed" if reason else "ok",
                            "reason": reason,
                            "selected": restart == 0 and not reason,
                            "generations": self.generations,
                            "simulations": 16 * self.generations,
                            "stopped": "generations",
                            **{
                                name: None if reason else value
                                for name, value in {**scores_, **estimates}.items()
                            },
                            "at_bounds": "w_p:low" if k == 2 else None,
                            "noise_seed": 0,
                            "seconds": 41.3,
                            "fingerprint": "ab12",
                        }
                    )
        return rows

    def _convergence(self):
        rows = []
        for fit in self.fits:
            for _, entry in self._well():
                for restart in range(self.restarts):
                    end = -0.25 + 0.02 * restart + 0.04 * self.rng.normal()
                    steps = np.arange(1, self.generations + 1)
                    best = np.minimum.accumulate(
                        end + 0.5 * np.exp(-steps / 4) + 0.03 * self.rng.random(len(steps))
                    )
                    rows += [
                        {
                            **self._keys(entry),
                            "fit": fit,
                            "restart": restart,
                            "generation": step,
                            "simulations_so_far": 16 * step,
                            "best_cost": cost,
                            "median_cost": cost + 0.5 * np.exp(-step / 6),
                            "failed": int(step == 1),
                        }
                        for step, cost in zip(steps, best, strict=True)
                    ]
        return rows

    def _evaluation(self):
        rows = []
        for f, fit in enumerate(self.fits):
            for _, entry in self._well():
                person = 0.05 * self.rng.normal()
                for split in self.splits:
                    gap = 0.04 if split == "train" else 0.0
                    r = self.heldout_r + person + gap + 0.08 * f
                    ks = 0.14 + 0.03 * abs(self.rng.normal()) - gap / 2
                    values = dict(zip(MEASURES, (r, ks, 0.08, 0.41, 0.02, ks - r + 0.01), strict=True))
                    rows += [
                        {
                            **self._keys(entry),
                            "fit": fit,
                            "split": split,
                            "measure": measure,
                            "mean": value,
                            "sd": 0.02,
                            "n_seeds": 10,
                            "pairs": self.pairs,
                            "band_pass": None,
                            "window": 30.0,
                            "window_step": 5.0,
                            "seeds": "1000-1009",
                        }
                        for measure, value in values.items()
                    ]
        return rows

    def _baselines(self):
        rows = []
        for _, entry in self._well():
            for split in self.splits:
                values = {
                    "sc_fc": 0.24 + 0.02 * self.rng.normal(),
                    "group_mean_fc": 0.68 + 0.03 * self.rng.normal(),
                }
                if split == "test":
                    values |= {
                        "scan_rescan_fc": 0.8 + 0.05 * self.rng.normal(),
                        "scan_rescan_ks": 0.1 + 0.01 * self.rng.random(),
                    }
                rows += [
                    {
                        **self._keys(entry),
                        "split": split,
                        "measure": measure,
                        "value": value,
                        "pairs": self.pairs,
                        "n": len(self.ids) - 1,
                    }
                    for measure, value in values.items()
                ]
        return rows

    def _states(self):
        units = {
            "S_E": "1",
            "I_E": "nA",
            "r_E": "Hz",
            "S_I": "1",
            "I_I": "nA",
            "r_I": "Hz",
            "wIE": "nA",
            "S_E/S_I": "1",
        }
        level = {
            "S_E": 0.16,
            "I_E": 0.38,
            "r_E": 3.05,
            "S_I": 0.04,
            "I_I": 0.28,
            "r_I": 4.1,
            "wIE": 1.9,
            "S_E/S_I": 4.0,
        }
        return [
            {
                **self._keys(entry),
                "fit": fit,
                "label": node.label,
                "hemisphere": node.hemisphere,
                "variable": variable,
                "mean": level[variable] * (1 + 0.05 * self.rng.normal()),
                "sd": 0.01 * level[variable],
                "unit": unit,
            }
            for fit in self.fits
            for _, entry in self._well()
            for variable, unit in units.items()
            for node in self.nodes.itertuples()
        ]

    def _qc(self):
        return [
            {
                **self._keys(entry),
                "nodes": len(self.nodes),
                "density": 0.41,
                "isolated_nodes": 0,
                "volumes": 240,
                "repetition_time": 1.0,
                "mean_fc": 0.31,
                "note": None,
            }
            for entry in self.ids
        ]

    def _exclusions(self):
        return [
            {**self._keys(entry), "stage": "fit", "reason": self.failed[entry["unit"]]}
            for entry in self.ids
            if entry["unit"] in self.failed
        ]

    def _recovery(self):
        return (
            [
                {
                    **self._keys(entry),
                    "fit": fit,
                    "parameter": name,
                    "truth": value,
                    "estimate": value * (1 + (0.03 if name == "G" else 0.4) * self.rng.normal()),
                }
                for fit in self.fits
                for k, entry in self._well()
                for name, value in self._true(k).items()
            ]
            if self.truth
            else []
        )

    def _bold(self, mixing, volumes):
        slow = np.cumsum(self.rng.normal(size=(volumes, mixing.shape[0])), axis=0)
        slow -= np.linspace(0, 1, volumes)[:, None] * slow[-1]
        return slow @ mixing / 6 + self.rng.normal(size=(volumes, mixing.shape[1]))

    def _features(self, bold):
        windows = sliding_windows(len(bold), 1.0, 30.0, 5.0)
        return {
            "fc": functional_connectivity(bold, self.pair_index),
            "fcd": functional_connectivity_dynamics(bold, self.pair_index, *windows),
        }

    def _arrays(self):
        networks = self.nodes["network"].astype("category").cat.codes.to_numpy()
        base = 0.9 * (np.arange(4)[:, None] == networks) + 0.25 * self.rng.random((4, len(networks)))
        targets, simulations = [], []
        for _, entry in self._well():
            mixing = base + 0.2 * self.rng.normal(size=base.shape)
            for split in self.splits:
                targets.append(str(self.folder / f"results/targets/{entry['unit']}_split-{split}_target.npz"))
                job.write_npz(targets[-1], **self._features(self._bold(mixing, 220)))
        for fit in self.fits:
            arrays = {}
            for _, entry in self._well():
                bold = self._bold(0.4 * base + 0.25 * self.rng.random(base.shape), 220)
                arrays |= {
                    f"{entry['unit']}/{name}": value
                    for name, value in {"bold": bold, **self._features(bold)}.items()
                }
            simulations.append(str(self.folder / f"results/evaluation/{fit}/batch-1_simulations.npz"))
            job.write_npz(simulations[-1], **arrays)
        return targets, simulations


class Page(HTMLParser):
    """What a browser would find: what it loads and links to, images, headings in order, unclosed elements."""

    VOID = frozenset({"meta", "img", "input", "br", "link", "hr"})

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.images, self.headings, self.ids, self.open = [], [], [], [], [], []
        self.header_cells, self.tables, self._heading = [], 0, False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster", "action") if name in found]
        self.loads += [found["href"]] if tag == "link" else []
        self.links += [found["href"]] if tag == "a" else []
        self.ids += [found["id"]] if "id" in found else []
        self.images += [found] if tag == "img" else []
        self.header_cells += [found] if tag == "th" else []
        self.tables += tag == "table"
        self._heading = tag == "h2"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        self._heading = False

    def handle_data(self, data):
        if self._heading:
            self.headings.append(data.strip())


def text_of(page):
    """The words of a page without its markup, scripts and styles."""
    bare = re.sub(r"<(script|style)>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", bare)


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures out, where a test reads only words: drawing takes nearly all of the time."""
    for module in (connectivity, convergence, parameters, scores, states):
        monkeypatch.setattr(module, "picture", lambda *_, alt: Picture("data:,", alt))


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """The page of a cohort in which all went well: two fits, two restarts, known truth."""
    return MadeCohort(tmp_path_factory.mktemp("usual"), people=4, fits=("homogeneous", "another")).page()


def test_is_one_file_that_asks_for_nothing(usual):
    page = Page(usual)
    assert page.loads and all(address.startswith("data:") for address in page.loads)
    outward = [link for link in page.links if not link.startswith(("#", "../cohort/"))]
    assert outward and all(link.startswith("https://doi.org/10.") for link in outward)
    style_and_script = "".join(
        re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", usual, flags=re.DOTALL)
    )
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", style_and_script)
    assert len(usual) < 2.5e6


def test_is_well_formed_and_accessible(usual):
    page = Page(usual)
    assert not page.open
    assert len(page.ids) == len(set(page.ids))
    assert all(f"{link[1:]}" in page.ids for link in page.links if link.startswith("#"))
    assert all(image["alt"].strip() for image in page.images)
    assert all("scope" in cell for cell in page.header_cells)


def test_errors_come_first_and_say_so_when_there_are_none(usual):
    assert Page(usual).headings[:2] == ["Errors and exclusions", "What this is"]
    assert "No errors, nobody excluded." in usual


def test_every_figure_is_there(usual):
    alts = " ".join(image["alt"] for image in Page(usual).images)
    for words in (
        "baselines",
        "by person and restart",
        "Fitted parameters",
        "by group",
        "Recovered against true",
        "regional read-out",
    ):
        assert words in alts
    assert usual.count('<article class="person"') == 4


def test_conditions_stand_beside_the_scores_of_each_fit(usual):
    text = text_of(usual)
    for words in (
        "pairs all",
        "band-pass none",
        "FCD window 30 s, step 5 s",
        "cost = − 1·fc_corr + 1·fcd_ks + 0.5·rate_penalty",
        "FIC analytical",
        "scoring seeds 1000-1009",
        "search noise seed 0",
    ):
        assert text.count(words) == 2 * (1 + 1 + 4)  # scores, convergence, four people


def test_exclusions_are_told_before_anything_else(tmp_path, undrawn):
    page = MadeCohort(tmp_path, failed={"02": "the scan is too short"}).page()
    assert "No errors" not in page
    assert "1 problem." in text_of(page)
    assert page.index("the scan is too short") < page.index("What this is</h2>")
    assert page.count('<article class="person"') == 5


def test_a_unit_without_result_or_reason_is_told_too(tmp_path, undrawn):
    made = MadeCohort(tmp_path, failed={"02": "lost"})
    made._exclusions = list
    assert "no result, and no reason was recorded" in made.page()


def test_a_page_appears_even_when_everybody_failed(tmp_path):
    made = MadeCohort(tmp_path, people=3, failed={f"{k:02d}": "all candidates diverged" for k in (1, 2, 3)})
    text = text_of(made.page())
    assert "The fit homogeneous has no successful person" in text
    assert "No unit was scored" in text
    assert "does not beat" not in text


def test_a_fit_without_success_stands_beside_one_with(tmp_path, undrawn):
    made = MadeCohort(tmp_path, fits=("works", "fails"))
    for name in ("_fits", "_convergence", "_evaluation", "_states", "_recovery"):
        rows = getattr(made, name)
        setattr(made, name, lambda rows=rows: [row for row in rows() if row["fit"] == "works"])
    text = text_of(made.page())
    assert "The fit fails has no successful person" in text
    assert "works does not beat group-mean FC" in text


def test_no_heldout_scans_no_verdict(tmp_path):
    text = text_of(MadeCohort(tmp_path, people=2, splits=("train",)).page())
    assert "There are no held-out scans" in text
    assert "does not beat" not in text.replace("that the held-out score does not beat", "")


@pytest.mark.parametrize(
    ("heldout_r", "beaten"),
    [(0.05, ()), (0.45, ("SC–FC correlation",)), (0.77, ("SC–FC correlation", "group-mean FC"))],
)
def test_does_not_beat_appears_exactly_where_it_should(tmp_path, undrawn, heldout_r, beaten):
    text = text_of(MadeCohort(tmp_path, heldout_r=heldout_r, truth=False).page())
    for baseline in ("SC–FC correlation", "group-mean FC"):
        assert (f"homogeneous beats {baseline}" in text) == (baseline in beaten)
        assert (f"homogeneous does not beat {baseline}" in text) == (baseline not in beaten)


def test_per_person_marks_follow_the_means(tmp_path, undrawn):
    made = MadeCohort(tmp_path, people=3, truth=False)
    rows = made._evaluation()
    for row in rows:
        if row["measure"] == "fc_corr" and row["split"] == "test":
            row["mean"] = 0.99 if row["participant_id"] == "01" else -0.5
    made._evaluation = lambda: rows
    body = made.page().split('id="people-table"')[1].split("</table>")[0]
    marks = {person: body.split(person)[1].split("</tr>")[0].count("✗") for person in ("sub-01", "sub-02")}
    assert marks == {"sub-01": 1, "sub-02": 4}  # the KS beats nothing, the FC correlation all or nothing


def test_comparison_is_paired_over_people():
    baseline = pd.Series({"a": 0.1, "b": 0.5, "c": 0.9, "d": 0.3})
    slightly_better = baseline + pd.Series({"a": 0.010, "b": 0.012, "c": 0.011, "d": 0.009})
    assert compare(slightly_better, baseline, "fc_corr").beats
    assert not compare(slightly_better, baseline, "fcd_ks").beats  # a distance must be smaller
    unsure = baseline + pd.Series({"a": 0.3, "b": -0.2, "c": 0.1, "d": -0.1})
    found = compare(unsure, baseline, "fc_corr")
    assert not found.beats and found.is_better_on_average
    assert "it does not beat x beyond the spread between people: FC r 0.47" in scores.sentence(
        "it", "x", found
    )
    # 95 % t interval of the differences by hand: mean 0.025, SD 0.2217, t(3) = 3.1824
    assert found.low == pytest.approx(0.025 - 3.1824 * 0.22174 / 2, abs=1e-4)


def test_fewer_than_three_people_must_all_be_better():
    baseline = pd.Series({"a": 0.1, "b": 0.5})
    assert compare(baseline + 0.1, baseline, "fc_corr").beats
    assert not compare(baseline + pd.Series({"a": 0.3, "b": -0.01}), baseline, "fc_corr").beats
    assert compare(pd.Series({"a": 0.1}), pd.Series({"b": 0.1}), "fc_corr") is None


def test_what_users_write_is_escaped(tmp_path, undrawn):
    nasty = "<b>&x"
    made = MadeCohort(tmp_path, ids=[nasty, "2", "3"], failed={"3": "<script>alert(1)</script> & more"})
    made.nodes.loc[0, "network"] = "<i>Vis&"
    page = made.page()
    assert "<script>alert" not in page and "<b>" not in page and "<i>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "sub-&lt;b&gt;&amp;x" in page
    assert not Page(page).open


def test_identifiability_tells_a_ridge_and_a_recovered_parameter(tmp_path, undrawn):
    page = text_of(MadeCohort(tmp_path, people=10).page())
    assert re.search(r"Not identifiable here: [^.]*w_p", page)
    assert re.search(r"On a ridge, so that only a combination is determined: w_p and J_N\.", page)
    assert re.search(
        r"G \d+ ([−\d.]+ ){8}repeatable over restarts, and the truth comes back",
        page,
    )


def test_a_lone_parameter_is_drawn_and_named(tmp_path):
    made = MadeCohort(tmp_path, people=2, nodes=8, restarts=1)
    settings = made._settings("homogeneous")
    made._settings = lambda fit: {**settings, "free": {"G": [0.5, 5.0]}, "fixed": {"w_p": 1.4}}
    page = made.page()
    assert "one point per person, restarts joined by lines: G" in page
    assert "Free parameters: G in [0.5, 5]; fixed: w_p = 1.4" in page


def test_one_restart_cannot_be_judged(tmp_path, undrawn):
    text = text_of(MadeCohort(tmp_path, people=3, restarts=1, truth=False).page())
    assert "Every fit has one restart" in text
    assert "Identifiability cannot be judged in full" in text


def test_sessions_of_a_person_count_once(tmp_path, undrawn):
    made = MadeCohort(tmp_path, people=4, truth=False)
    made.ids = [
        {
            "unit": f"sub-{entry['participant_id']}_ses-{session}",
            "participant_id": entry["participant_id"],
            "session_id": session,
        }
        for entry in made.ids
        for session in ("a", "b")
    ]
    text = text_of(made.page())
    assert "sub-01_ses-b" in text
    assert re.search(r"does not beat group-mean FC.{1,90}better in 0 of 4", text)


def test_two_people_one_restart_and_intrahemispheric_pairs_are_drawn(tmp_path):
    page = MadeCohort(tmp_path, people=2, pairs="intrahemispheric", restarts=1, truth=False).page()
    assert page.count('<article class="person"') == 2
    assert "Group-mean FC is the mean of 1 other person only" in page
    assert "pairs intrahemispheric" in text_of(page)


def test_large_cohorts_show_some_people_and_stay_small(tmp_path):
    page = MadeCohort(tmp_path, people=24, nodes=8, truth=False, generations=4).page()
    assert page.count('<article class="person"') == 8
    assert "8 of 24 scored units are shown" in text_of(page)
    assert page.count("(best fits)") == page.count("(worst fits)") == 2
    assert len(page) < 3e6


def test_same_results_same_page(tmp_path):
    made = MadeCohort(tmp_path, people=1, nodes=8, truth=False)
    sm = made.write()
    pages = []
    for _ in range(2):
        report.main(sm)
        with open(sm.output[0], encoding="utf-8") as file:
            pages.append(file.read())
    assert pages[0] == pages[1]

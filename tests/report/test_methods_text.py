"""The methods text follows the configuration, and claims nothing that has left no rows; its references."""

import base64
import re
from types import SimpleNamespace

import pandas as pd
import pytest
from pybtex.database import parse_string
from report_cohort import MadeCohort

from cubnm_core.equations.files import load_model
from cubnm_core.equations.hemodynamics import HEMODYNAMICS
from cubnm_core.fitting import designs
from workflow_scripts.configuration import schemas
from workflow_scripts.report import methods
from workflow_scripts.report.methods import data, evidence, fits
from workflow_scripts.report.methods.sources import MODELS, SOURCES, of_model


def cohort(tmp_path, config=None, tables=None, fit=None, **changes):
    """What the text reads: settings as the workflow resolves them, few people, tables as far as given."""
    made = MadeCohort(tmp_path, people=3)
    setting = made.settings("homogeneous") | (fit or {})
    found = {"evaluation": pd.DataFrame({"key": ["sub-01", "sub-02"], "n_seeds": [10, 10]})} | (tables or {})
    completed = {"connectome": {"source": "individual", "scaling": "subject_mean"}, **(config or {})}
    usual = {
        "tables": found,
        "table": lambda name: found.get(name, pd.DataFrame()),
        "config": completed,
        "provenance": {"software": {"cubnm_core": "0.1.0", "snakemake": "9.27", "numpy": "2.4"}},
        "people_outside": 0,
        "people": pd.Series({"sub-01": "01", "sub-02": "02", "sub-03": "03"}),
        "units": ["sub-01", "sub-02", "sub-03"],
        "nodes": made.node_table,
        "fits": ["homogeneous"],
        "all_fits": ["homogeneous"],
        "fit_settings": {"homogeneous": setting},
        "holdout": "run",
        "smallest_group": 5,
    }
    return SimpleNamespace(**usual | changes)


def said(sentences):
    return " ".join(text for text, _ in sentences)


def cited(sentences):
    return {key for _, keys in sentences for key in keys}


CONFIGURED = {
    "scaling": ({"connectome": {"source": "individual", "scaling": "mu"}}, "SIFT2"),
    "average": ({"connectome": {"source": "mean", "scaling": "none"}}, "the mean connectome of the cohort"),
    "mask": (
        {"connectome": {"source": "individual", "scaling": "log", "mask": "consensus"}},
        "each person's connectome was masked by the consensus",
    ),
    "threshold": (
        {"connectome": {"source": "individual", "scaling": "log", "threshold": {"density": 0.3}}},
        "the strongest 0.3 of all connections",
    ),
    "volumes": ({"bold": {"initial_volumes": 5}}, "the first 5 volumes of every run were discarded"),
    "detrend": ({"bold": {"detrend": "linear"}}, "a linear trend was subtracted"),
    "long enough": ({"bold": {"shortest_fcd": 480}}, "less than 480 s left in a run were fitted and scored"),
    "twice": ({"bold": {"duplicates": "exclude"}}, "only the first was kept"),
    "censoring": ({"bold": {"fd_threshold": 0.4}}, "framewise displacement above 0.4 mm"),
}


def test_sessions_without_a_score_are_not_counted(tmp_path):
    units = pd.DataFrame({"key": ["sub-01_ses-a", "sub-01_ses-b", "sub-02_ses-a"], "n_seeds": 10})
    people = pd.Series(dict.fromkeys(units["key"], "01") | {"sub-02_ses-a": "02", "sub-02_ses-b": "02"})
    found = data.sentences(
        cohort(tmp_path, tables={"evaluation": units}, people=people, units=list(people.index))
    )
    assert "fitted to 2 people in 3 sessions" in said(found)


@pytest.mark.parametrize("config, words", CONFIGURED.values(), ids=CONFIGURED)
def test_preparation_is_told_as_configured(tmp_path, config, words):
    assert words not in said(data.sentences(cohort(tmp_path)))
    assert words in said(data.sentences(cohort(tmp_path, config)))


def test_a_filter_of_the_preprocessing_is_told(tmp_path):
    usual = MadeCohort(tmp_path, people=3).settings("homogeneous")["analysis"]
    bold = {"filtered": [0.01, 0.08], "filtered_order": 1}
    config = {"connectome": {"source": "individual", "scaling": "log"}, "bold": bold}
    made = cohort(tmp_path, config, fit={"analysis": {**usual, "band_pass": [0.01, 0.08, 1]}})
    text = said(data.sentences(made))
    assert "Scans had been band-pass filtered in preprocessing; simulated BOLD was filtered in the" in text
    assert "(0.01–0.08 Hz, first-order Butterworth, forwards and backwards)" in text


@pytest.mark.parametrize("holdout, words", data.HOLDOUT.items())
def test_what_was_held_out_is_told(tmp_path, holdout, words):
    assert words in said(data.sentences(cohort(tmp_path, holdout=holdout)))


def test_people_without_results_are_counted_but_not_few_ones_where_that_would_tell(tmp_path):
    assert "1 other person had no usable data" in said(data.sentences(cohort(tmp_path)))
    assert "A few other people had no usable data" in said(data.sentences(cohort(tmp_path), smallest=5))


FITTED = {
    "plasticity": (
        {"fic": {"method": "plasticity", "target": 4.0, "warm_up": 25.0}},
        "to rates near 4 Hz in a 25 s warm-up",
        {"vogels2011"},
    ),
    "numerical": ({"fic": {"method": "numerical", "trials": 7}}, "up to 7 trials", {"demirtas2019"}),
    "delays": ({"delays": True}, "velocity v", set()),
    "binned": ({"objective": {"fcd_ks_binned": 1.0}}, "in 10,000 bins (weight 1)", {"kong2021"}),
    "constraints": ({"constraints": {"fic_failed": 0.0}}, "violated a constraint", {"deb2000"}),
    "retest": ({"retest": {"candidates": 4, "seeds": 6}}, "The best 4 candidates", set()),
    "replicates": ({"replicates": 3}, "means over the noise seeds 0 to 2", set()),
    "fixed": ({"fixed": {"sigma": 0.02}}, "fixed: sigma = 0.02", set()),
    "regional": (
        {"free": {"w_p": {"bounds": [0.5, 1.0], "maps": {"myelin": "auto"}, "limits": None}}},
        "times 1 + Σ c·map over the maps myelin",
        set(),
    ),
}


@pytest.mark.parametrize("fit, words, sources", FITTED.values(), ids=FITTED)
def test_a_fit_is_told_as_configured(tmp_path, fit, words, sources):
    usual, changed = cohort(tmp_path), cohort(tmp_path, fit=fit)
    assert words not in said(fits.sentences(usual, "homogeneous"))
    found = fits.sentences(changed, "homogeneous")
    assert words in said(found)
    assert sources <= {one for _, keys in found for one in keys if isinstance(one, str)}


@pytest.mark.parametrize("name", ["cmaes", "de", *designs.DESIGNS])
def test_optimisers_are_cited_where_they_were_used(tmp_path, name):
    usual = cohort(tmp_path).fit_settings["homogeneous"]["optimizer"]
    search = {**usual, "name": name, "shape": {"G": 3}}
    found = fits.sentences(cohort(tmp_path, fit={"optimizer": search}), "homogeneous")
    keys = {one for _, cited in found for one in cited if isinstance(one, str)}
    assert ("hansen2001" in keys) == (name == "cmaes")
    assert ("blank2020" in keys) == (name in ("cmaes", "de"))
    assert ("owen1998" in keys) == (name == "sobol")


def test_nothing_is_claimed_without_rows(tmp_path):
    everything = {"evaluation": {"others": 10, "cross_seeds": 3, "profile": {"points": 7, "seeds": 2}}}
    found = evidence.sentences(cohort(tmp_path, everything))
    assert len(found) == 1 and "10 noise seeds" in found[0][0]


NULLS = pd.DataFrame({"null": ["rewired", "spin"], "refitted": [False, True], "n_nulls": [5, 9]})
TESTED = pd.DataFrame(
    {"model": "group", "quantity": ["parameter", "state"], "sample": "all", "p_permutation": [0.1, None]}
)
MODEL = {"model": "group", "sample": "all", "formula": "~ group + age", "tested": "group", "method": "ols"}
RUN = pd.DataFrame(
    [{**MODEL, "n": 8, "permutations": 1000, "blocks": None, "exchange": "within", "random": None}]
)
RELIABLE = pd.DataFrame({"icc": [0.4], "n_sessions": [2], "n_people": [6], "limit_low": [None]})
LEFT = {
    "baselines": (
        {"baselines": pd.DataFrame({"measure": ["sc_fc"], "value": [0.3]})},
        "the correlation of the person's connectome with FC",
        set(),
    ),
    "global signal": (
        {"baselines": pd.DataFrame({"measure": ["global_signal_fc"], "value": [0.3]})},
        "one signal that reaches all regions in proportion to their connectome strength",
        {"aquino2022", "liegeois2017"},
    ),
    "comparison": (
        {"fit_comparison": pd.DataFrame({"p": [0.2, None]})},
        "paired sign-flip tests",
        {"hartigan1969", "holm1979"},
    ),
    "cross": (
        {"cross": pd.DataFrame({"parameters": ["own", "own"], "connectome": ["own", "others"]})},
        "the connectome and the scans of each person were exchanged with those of up to 10 other people",
        set(),
    ),
    "contrasts": (
        {
            "cross": pd.DataFrame({"parameters": ["own", "own"], "connectome": ["own", "others"]}),
            "contrasts": pd.DataFrame({"low": [0.1, None]}),
        },
        "by inversion of the paired sign-flip test",
        {"hartigan1969"},
    ),
    "cross with one connectome": (
        {"cross": pd.DataFrame({"parameters": ["own", "others"], "connectome": ["own", "own"]})},
        "the parameters and the scans of each person were exchanged",
        set(),
    ),
    "identification": ({"identification": pd.DataFrame({"rate": [0.3]})}, "identification", {"finn2015"}),
    "folds": ({"held_out_people": pd.DataFrame({"fold": ["1", "2"]})}, "in 2 folds", set()),
    "forward nulls": ({"null_tests": NULLS[:1]}, "have no p values", {"maslov2002"}),
    "refitted nulls": (
        {"null_tests": NULLS[1:]},
        "up to 9 for each person) were refitted",
        {"winkler2014"},
    ),
    "profiles": ({"profiles": pd.DataFrame({"cost": [0.3]})}, "7 points along every free parameter", set()),
    "restarts": ({"identifiability": pd.DataFrame({"sd_restarts": [0.3]})}, "spread of parameters", set()),
    "reliability": ({"reliability": RELIABLE}, "2 sessions of 6 people", {"shrout1979", "mcgraw1996"}),
    "statistics": (
        {"statistics": TESTED, "statistics_models": RUN},
        "“group” related fitted parameters and regional read-outs to group + age: a linear model over 8 "
        "people, with tests of group, also with 1000 permutations",
        {"freedman1983", "benjamini1995"},
    ),
    "mixed": (
        {"statistics": TESTED, "statistics_models": RUN.assign(method="mixed", random="site")},
        "a mixed model with a random intercept for site",
        {"laird1982"},
    ),
    "maps": (
        {"map_association": pd.DataFrame({"map": ["myelin"], "n_spins": [1000]})},
        "correlated with 1 brain map; p values are from 1000 rotations",
        {"alexanderbloch2018"},
    ),
}


@pytest.mark.parametrize("tables, words, sources", LEFT.values(), ids=LEFT)
def test_what_was_run_is_told(tmp_path, tables, words, sources):
    config = {"evaluation": {"others": 10, "cross_seeds": 3, "profile": {"points": 7, "seeds": 2}}}
    found = evidence.sentences(cohort(tmp_path, config, tables))
    assert words in said(found)
    assert sources <= cited(found)


def test_few_people_are_not_counted_where_that_would_tell(tmp_path):
    tables = {"reliability": RELIABLE, "statistics": TESTED, "statistics_models": RUN}
    text = said(evidence.sentences(cohort(tmp_path, tables=tables), smallest=9))
    assert "2 sessions of few people" in text and "a linear model over few people" in text


def test_inhibition_that_is_tuned_again_is_told(tmp_path):
    tables, words = {"null_tests": NULLS[:1]}, "tuned again for every other connectome"
    assert words in said(evidence.sentences(cohort(tmp_path, tables=tables)))
    assert words not in said(evidence.sentences(cohort(tmp_path, tables=tables, fit={"fic": None})))


def test_too_few_people_for_a_test_claim_none(tmp_path):
    untested = {"fit_comparison": pd.DataFrame({"p": [None, None]}, dtype=float)}
    assert "signs" not in said(evidence.sentences(cohort(tmp_path, tables=untested)))


def test_references_are_bibtex_with_the_keys_of_the_text(tmp_path):
    section = methods.section(cohort(tmp_path, tables={"statistics": TESTED, "statistics_models": RUN}))
    found = parse_string(methods.references([section]), "bibtex").entries
    files = {
        name: base64.b64decode(address.partition(",")[2]).decode()
        for name, address in section.context["downloads"].items()
    }
    assert files["references.bib"] == methods.references([section])
    assert set(found) == set(re.findall(r"@(\w+)", files["methods.md"]))
    assert [source.key for source in section.context["sources"]] == list(found)


def test_every_source_is_a_whole_entry():
    text = "\n".join(source.bibtex for source in SOURCES.values())
    found = parse_string(text, "bibtex").entries
    assert set(found) == set(SOURCES)
    for key, entry in found.items():
        assert entry.persons["author"] and {"title", "year"} <= set(entry.fields), key
        assert re.match(r"10\.\d{4,5}/\S+$", entry.fields.get("doi", "10.0000/none")), key
        assert key.endswith(entry.fields["year"])
    friston = found["friston2003"]
    assert [str(person) for person in friston.persons["author"]] == [
        "Friston, K. J.",
        "Harrison, L.",
        "Penny, W.",
    ]
    assert dict(friston.fields)["pages"] == "1273--1302"
    assert found["heinzle2016"].persons["author"][2].prelast_names == ["den"]


@pytest.mark.parametrize("name", MODELS)
def test_models_of_the_catalogue_are_cited_in_full(name):
    model = load_model(name)
    assert any(source.doi == model.doi for source in of_model(model))


def test_a_model_of_ones_own_is_cited_as_its_file_says(tmp_path):
    told = SimpleNamespace(
        name="own", title="My model", citation="Doe & Roe (2020), J Own 1:2", doi="10.1234/x"
    )
    (source,) = of_model(told)
    found = parse_string(source.bibtex, "bibtex").entries["own"]
    assert (found.fields["year"], found.fields["doi"]) == ("2020", "10.1234/x")
    assert of_model(SimpleNamespace(name="own", title="My model", citation="", doi="")) == []


def test_scalings_and_methods_of_the_schema_all_have_words():
    rules = schemas.schema("config")
    connectome = rules["properties"]["connectome"]["properties"]
    assert set(connectome["scaling"]["enum"]) == set(data.SCALINGS)
    assert set(connectome["source"]["enum"]) == set(data.CONNECTOMES)
    fit = schemas.fit_schema()["properties"]
    assert set(fit["fic"]["properties"]["method"]["enum"]) == set(fits.FIC)
    kinds = rules["properties"]["evaluation"]["properties"]["nulls"]["properties"]["kinds"]["items"]["enum"]
    assert set(kinds) == {*evidence.NULLS, "rewired"}


REWIRING = pd.DataFrame({"distance": ["euclidean", "euclidean"], "same_connections": [0.7, 0.8]})
KEPT = {
    "by length": ({}, "rewired to preserve lengths, degrees and, approximately, strengths", True),
    "without lengths": (
        {"distance": "none"},
        "rewired to preserve degrees and, approximately, strengths",
        False,
    ),
    "some without": ({"distance": ["none", "euclidean"]}, "rewired to preserve degrees", False),
    "full": ({"same_connections": 1.0}, "with weights permuted to preserve lengths", True),
}


@pytest.mark.parametrize(("changes", "words", "with_lengths"), KEPT.values(), ids=KEPT)
def test_only_what_rewired_connectomes_kept_is_claimed(tmp_path, changes, words, with_lengths):
    tables = {"null_tests": NULLS[:1], "rewiring": REWIRING.assign(**changes)}
    found = evidence.sentences(cohort(tmp_path, tables=tables))
    assert words in said(found)
    assert ("betzel2018" in cited(found)) is with_lengths


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "permutations of residuals, of a statistic"),
        ({"blocks": "family"}, "permutations of residuals within family, of"),
        ({"blocks": "family", "exchange": "whole"}, "of whole blocks of the same size (family), of"),
    ],
)
def test_permutations_are_told_as_they_were_done(tmp_path, changes, words):
    tables = {"statistics": TESTED, "statistics_models": RUN.assign(**changes)}
    assert words in said(evidence.sentences(cohort(tmp_path, tables=tables)))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"fit_quality": 0.1, "at_bounds": True}, "below 0.1 or with a parameter at a bound."),
        ({"fit_quality": 0.25, "at_bounds": False}, "without fits with a mean FC correlation below 0.25."),
        ({"fit_quality": None, "at_bounds": True}, "without fits with a parameter at a bound."),
    ],
)
def test_the_sensitivity_run_is_told_as_configured(tmp_path, limits, words):
    config = {"statistics": {"sensitivity": limits}}
    tables = {"statistics": TESTED.assign(sample=["all", "sensitivity"]), "statistics_models": RUN}
    assert words in said(evidence.sentences(cohort(tmp_path, config, tables)))


@pytest.mark.parametrize(
    ("settled", "words", "sources"),
    [
        ("friston2003", ["the set cubnm-1.5T", "reciprocals", "kappa 1.538 /s", "k1 2.38"], {"friston2003"}),
        (
            "heinzle2016-3T",
            ["the set cubnm-3T", "1.4 s earlier", "k1 3.72"],
            {"friston2003", "stephan2007", "heinzle2016"},
        ),
        (
            HEMODYNAMICS["friston-3T"],
            ["the set friston-3T, rates as published", "kappa 0.65 /s", "gamma 0.41 /s²", "V0 2 %"],
            {"friston2003", "stephan2007", "heinzle2016"},
        ),
        (
            {**HEMODYNAMICS["friston-3T"], "alpha": 0.33, "kappa": {"column": "hrf"}},
            [
                "stated in the configuration",
                "alpha 0.33",
                "kappa of each region from column hrf of the table",
            ],
            {"friston2003"},
        ),
    ],
)
def test_haemodynamic_constants_are_told_with_their_values_and_sources(settled, words, sources, tmp_path):
    simulation = {
        **MadeCohort(tmp_path, people=3).settings("homogeneous")["simulation"],
        "hemodynamics": settled,
    }
    text, keys = next(
        (text, keys)
        for text, keys in fits.sentences(cohort(tmp_path, fit={"simulation": simulation}), "homogeneous")
        if "Balloon" in text
    )
    assert all(word in text for word in words) and set(keys) == sources, text

"""How often statistics find a group difference that is not there, and how often intervals hold a true one.

``python benchmarks/false_positives.py`` draws cohorts without an effect, and ``--results FOLDER`` permutes
the labels of a finished run as well. See README.md in this folder.
"""

import argparse
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from cubnm_core.statistics.exchange import draw_permutations
from cubnm_core.statistics.linear_models import term_test
from cubnm_core.statistics.permutation import permutation_test

HERE = Path(__file__).resolve().parent
LEVEL = 0.05
PERMUTATIONS = 499
RESPONSES = 50  # parameters per synthetic cohort
SITES, PER_FAMILY = 4, 2
TRUE_DIFFERENCE = 0.8  # standard deviations
SHAPES = {
    "normal": lambda latent: latent,
    "bounded": lambda latent: np.clip(latent, -0.5, 1.0),  # a third at the lower, a sixth at the upper bound
    "skewed": np.exp,
}


def main():
    options = _options()
    rng = np.random.default_rng(options.seed)
    result = {"date": date.today().isoformat(), "cohorts": options.cohorts, "seed": options.seed}
    result["rates"] = [row for name in SCENARIOS for row in scenario_rates(name, options.cohorts, rng)]
    result["coverage"] = [row for n in (16, 40, 100) for row in coverage(n, options.cohorts, rng)]
    if options.results is not None:
        result["fitted"] = fitted_rates(options.results, 4 * options.cohorts, rng)
        result["recovered"] = recovered(options.results)
    path = HERE / "results" / "false_positives.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(markdown(result), encoding="utf-8")
    print(f"{markdown(result)}\nwritten to {path} and .md")


def _options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cohorts", type=int, default=60, help=f"cohorts per row, each with {RESPONSES} parameters"
    )
    parser.add_argument(
        "--results", type=Path, help="folder of a finished run with groups (the one with cohort/)"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def made_people(n, rng):
    """People whose groups are of equal size and have nothing to do with anything else."""
    return {
        "group": rng.permutation(np.arange(n) % 2).astype(float),
        "age": rng.normal(size=n),
        "motion": rng.gamma(4.0, 0.5, n) - 2.0,
        "site": rng.integers(SITES, size=n),
        "family": np.arange(n) // PER_FAMILY,
    }


def plain(people, rng):
    """Parameters depend on age."""
    return 0.4 * people["age"][:, None] + rng.normal(size=(len(people["age"]), RESPONSES))


def moving(people, rng):
    """Patients move more, and parameters depend on motion (or on how good the fit is)."""
    people["motion"] = people["motion"] + 0.8 * people["group"]
    people["measured"] = people["motion"] + rng.normal(0, 0.65, len(people["motion"]))
    return plain(people, rng) + 0.6 * people["motion"][:, None]


def scattered(people, rng):
    """Sites differ in the parameters and in how many patients they have."""
    shares = np.linspace(0.2, 0.8, SITES)[people["site"]]
    people["group"] = (rng.random(len(shares)) < shares).astype(float)
    return plain(people, rng) + 0.8 * rng.normal(size=(SITES, RESPONSES))[people["site"]]


def related(people, rng):
    """Relatives are alike and in one group."""
    families = people["family"].max() + 1
    people["group"] = rng.permutation(np.arange(families) % 2).astype(float)[people["family"]]
    return plain(people, rng) + 1.2 * rng.normal(size=(families, RESPONSES))[people["family"]]


# What is made, and the models: name, covariates, random intercept, blocks of permutations (families: whole).
SCENARIOS = {
    "labels permuted": (plain, 40, [("group + age", ("age",), None, None)]),
    "labels permuted, 16 people": (plain, 16, [("group + age", ("age",), None, None)]),
    "motion or fit quality differs between groups": (
        moving,
        40,
        [
            ("group + age", ("age",), None, None),
            ("group + age + mean_fd", ("age", "motion"), None, None),
            ("group + age + mean_fd, measured with error", ("age", "measured"), None, None),
        ],
    ),
    "sites differ, patients unevenly over sites": (
        scattered,
        80,
        [
            ("group + age", ("age",), None, None),
            ("group + age + site", ("age", "site"), None, None),
            ("group + age, random: site", ("age",), "site", None),
            ("group + age + site, blocks: site", ("age", "site"), None, "site"),
        ],
    ),
    "relatives are alike and share a group": (
        related,
        80,
        [
            ("group + age", ("age",), None, None),
            ("group + age, random: family", ("age",), "family", None),
            ("group + age, blocks: family, exchange: whole", ("age",), None, "family"),
        ],
    ),
}


def scenario_rates(name, cohorts, rng):
    """Rates of false positives of every model and shape of parameters in one scenario."""
    make, n, models = SCENARIOS[name]
    found = {}
    for _ in range(cohorts):
        people = made_people(n, rng)
        latent = make(people, rng)
        for shape, change in SHAPES.items():
            for model, covariates, random, blocks in models:
                design = design_of(people, covariates)
                p = both_p(design, change(latent), people.get(random), people.get(blocks), rng)
                found.setdefault((model, shape), []).append(p)
    return [
        {"scenario": name, "n": n, "model": model, "parameters": shape, **rates(p)}
        for (model, shape), p in found.items()
    ]


def design_of(people, covariates):
    """Intercept, group, covariates; a site takes a column for all but the first."""
    columns = [np.ones(len(people["group"])), people["group"]]
    for name in covariates:
        levels = np.unique(people[name]) if name == "site" else ()
        columns += [people[name] == level for level in levels[1:]] or [people[name]]
    return np.column_stack(columns).astype(float)


def both_p(design, responses, clusters, blocks, rng):
    """p of the group by t and by permutation: (2, M)."""
    whole = blocks is not None and len(np.unique(blocks)) > SITES
    drawn = draw_permutations(len(design), PERMUTATIONS, int(rng.integers(2**31)), blocks, whole)
    by_t = term_test(design, [1], responses, clusters=clusters).p
    return np.stack([by_t, permutation_test(design, [1], responses, drawn, clusters)[0]])


def rates(draws):
    """Share of p below the level, by t and by permutation, with its Monte-Carlo standard error.

    Responses of one cohort or drawing may go together: the spread over these counts where it is larger.
    """
    p = np.concatenate(draws, axis=1)
    by_t, by_permutation = (p <= LEVEL).mean(axis=1).tolist()
    spread = np.std([(draw <= LEVEL).mean(axis=1) for draw in draws], axis=0, ddof=1).max()
    error = max(np.sqrt(LEVEL * (1 - LEVEL) / p.shape[1]), spread / np.sqrt(len(draws)))
    return {"t": by_t, "permutation": by_permutation, "tests": p.shape[1], "error": float(error)}


def coverage(n, cohorts, rng):
    """How often 95 % intervals of a difference and its effect size hold the truth; how often p is small."""
    found = {shape: [] for shape in SHAPES}
    truths = {shape: true_effect(change) for shape, change in SHAPES.items()}
    for _ in range(cohorts):
        people = made_people(n, rng)
        latent = plain(people, rng) + TRUE_DIFFERENCE * people["group"][:, None]
        for shape, change in SHAPES.items():
            design = design_of(people, ("age",))
            tested = term_test(design, [1], change(latent), two_levels=True)
            difference, g = truths[shape]
            found[shape].append(
                [
                    (tested.low <= difference) & (difference <= tested.high),
                    (tested.effect_low <= g) & (g <= tested.effect_high),
                    tested.p < LEVEL,
                ]
            )
    names = ("difference", "g", "power")
    return [
        {"n": n, "parameters": shape}
        | dict(zip(names, np.concatenate(each, axis=1).mean(axis=1).tolist(), strict=True))
        for shape, each in found.items()
    ]


def true_effect(change, people=400_000):
    """Adjusted difference of the means of very many people, and the same by the residual SD."""
    rng = np.random.default_rng(1)
    age, noise = rng.normal(size=people), rng.normal(size=people)
    group = np.arange(people) % 2
    values = change(0.4 * age + TRUE_DIFFERENCE * group + noise)
    design = np.column_stack([np.ones(people), group, age])
    coefficients, squares = np.linalg.lstsq(design, values, rcond=None)[:2]
    return coefficients[1], coefficients[1] / np.sqrt(squares[0] / (people - 3))


def read_fitted(folder):
    """Parameters and regional states of every fit of a run, with the people and the quality of their fits."""
    names = ("fits", "states", "evaluation")
    fits, states, evaluation = (read(folder / "cohort" / f"{name}.tsv") for name in names)
    people = read(folder / "synthetic" / "participants.tsv").set_index("participant_id")
    for fit, rows in fits[fits["selected"]].groupby("fit", sort=False):
        rows = rows.set_index("participant_id").loc[people.index]
        scores = evaluation.query("fit == @fit and split == 'test' and measure == 'fc_corr'")
        people["quality"] = scores.set_index("participant_id")["mean"]
        free = [name for name in rows if name.startswith("param_") and rows[name].nunique() > 1]
        wide = states[states["fit"] == fit].pivot(
            index="participant_id", columns=["variable", "label"], values="mean"
        )
        quantities = {"parameters": rows[free], "states": wide.loc[people.index]}
        yield fit, people, {name: table.to_numpy() for name, table in quantities.items()}


def read(path):
    """Read a table."""
    return pd.read_csv(path, sep="\t")


def fitted_rates(folder, times, rng):
    """Rates of false positives with labels drawn anew: at random, or with one group where fits are better."""
    found = []
    for fit, people, quantities in read_fitted(folder):
        columns = people[["quality", "age"]]
        quality, age = ((columns - columns.mean()) / columns.std()).to_numpy().T
        models = {"group + age": [age], "group + age + fit_quality": [age, quality]}
        for drawing, slope in (("labels permuted", 0.0), ("fit quality differs between groups", 1.2)):
            p = {}
            for _ in range(times):
                group = (slope * quality + rng.logistic(size=len(people)) > 0).astype(float)
                for model, covariates in models.items():
                    design = np.column_stack([np.ones(len(people)), group, *covariates])
                    for quantity, values in quantities.items():
                        p.setdefault((quantity, model), []).append(both_p(design, values, None, None, rng))
            keys = {"fit": fit, "people": len(people), "labels": drawing}
            found += [
                {**keys, "quantity": quantity, "model": model, **rates(each)}
                for (quantity, model), each in p.items()
            ]
    return found


def recovered(folder):
    """The group difference in every fitted parameter with its interval, beside the true one."""
    fits = read(folder / "cohort" / "fits.tsv").query("selected")
    people = read(folder / "synthetic" / "participants.tsv").set_index("participant_id")
    truth = read(folder / "synthetic" / "truth.tsv").pivot(
        index="participant_id", columns="parameter", values="value"
    )
    patient = people["group"] == "patient"
    design = np.column_stack([np.ones(len(people)), patient]).astype(float)
    found = []
    for fit, rows in fits.groupby("fit", sort=False):
        rows = rows.set_index("participant_id").loc[people.index]
        for name in [name for name in ("G", "w_p") if rows[f"param_{name}"].nunique() > 1]:
            tested = term_test(design, [1], rows[[f"param_{name}"]].to_numpy(), two_levels=True)
            numbers = {key: float(getattr(tested, key)[0]) for key in ("estimate", "low", "high", "p")}
            known = truth[name].loc[people.index]
            true = float(known[patient].mean() - known[~patient].mean())
            found.append({"fit": fit, "parameter": name, "people": len(people), "true": true, **numbers})
    return found


_HEAD = """\
# False positives of the cohort statistics

{date}, `python benchmarks/false_positives.py`, seed {seed}. {cohorts} synthetic cohorts a row with
{responses} parameters each, {permutations} permutations. Share of p ≤ .05 for a group difference that is
not there, in %; 5 ± {margin:.1f} is as it should be (two Monte-Carlo standard errors; **bold**: above). t:
ordinary least squares, or a mixed model where a random intercept is named; perm.: Freedman and Lane.
Bounded: a third of the people at the lower, a sixth at the upper bound."""

_COVERAGE = """\
## Intervals of a difference that is there

{difference} standard deviations between two groups, and age as a covariate: how often 95 % intervals of the
difference and of Hedges' g hold the truth, and how often p < .05, in %."""

_FITTED = """\
## Labels drawn anew on fitted tables

{people} synthetic people, simulated and fitted (`benchmarks/false_positives.yaml`); labels drawn {times}
times, at random or so that better fits are in one group. Share of p ≤ .05 in %, and twice its Monte-Carlo
standard error: states of one person go together, so that rates over them scatter."""

_NOTE = """\
Without the covariate, what differs between the groups is taken for an effect of the group, by any test. Where
it was measured with error, or acts along a curve (skewed parameters are an exponential), it is adjusted for
in part only."""


def markdown(result):
    """The result, for people."""
    margin = 200 * min(row["error"] for row in result["rates"])
    shared = {"responses": RESPONSES, "permutations": PERMUTATIONS, "margin": margin}
    covered = [
        (row["n"], row["parameters"], *(f"{100 * row[key]:.1f}" for key in ("difference", "g", "power")))
        for row in result["coverage"]
    ]
    parts = [
        _HEAD.format(**result, **shared),
        _rate_table(result["rates"]),
        _NOTE,
        _COVERAGE.format(difference=TRUE_DIFFERENCE),
        _table(("people", "parameters", "difference", "g", "found"), covered),
    ]
    return "\n\n".join([*parts, *(_fitted_parts(result) if "fitted" in result else ())]) + "\n"


def _fitted_parts(result):
    names = ("fit", "labels", "quantity", "model", "tests")
    drawn = [
        (*(row[name] for name in names), *_both(row), f"{200 * row['error']:.1f}") for row in result["fitted"]
    ]
    numbers = ("true", "estimate", "low", "high", "p")
    found = [
        (row["fit"], row["parameter"], row["people"], *(f"{row[name]:.3g}" for name in numbers))
        for row in result["recovered"]
    ]
    return [
        _FITTED.format(people=result["fitted"][0]["people"], times=4 * result["cohorts"]),
        _table((*names, "t", "perm.", "2 SE"), drawn),
        "## The group difference that was put in",
        _table(("fit", "parameter", "people", "true difference", "estimate", "95 % from", "to", "p"), found),
    ]


def _rate_table(rows):
    """A line per scenario and model, shapes of parameters side by side."""
    lines = {}
    for row in rows:
        cells = lines.setdefault((row["scenario"], row["n"], row["model"]), [])
        cells += _both(row)
    head = [f"{shape}: {kind}" for shape in SHAPES for kind in ("t", "perm.")]
    return _table(
        ("without effect", "people", "model", *head), [(*key, *cells) for key, cells in lines.items()]
    )


def _both(row):
    """Rates by t and by permutation in %, bold where they are too high."""
    texts = [(row[kind], f"{100 * row[kind]:.1f}") for kind in ("t", "permutation")]
    return [f"**{text}**" if share > LEVEL + 2 * row["error"] else text for share, text in texts]


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    main()

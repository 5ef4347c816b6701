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
from false_positives_page import markdown
from null_cohorts import (
    COMBAT_SHARE,
    LEVEL,
    RESPONSES,
    SCENARIOS,
    SHAPES,
    TRUE_DIFFERENCE,
    both_p,
    design_of,
    harmonisable,
    made_people,
    plain,
    responses_of,
)

from cubnm_core.statistics.linear_models import term_test

HERE = Path(__file__).resolve().parent


def main():
    options = _options()
    rng = np.random.default_rng(options.seed)
    result = {"date": date.today().isoformat(), "cohorts": options.cohorts, "seed": options.seed}
    result |= {"rates": [], "coverage": []}
    for name in SCENARIOS:
        result["rates"] += scenario_rates(name, options.cohorts, rng)
        write(result)
    result["coverage"] = [row for n in (16, 40, 100) for row in coverage(n, options.cohorts, rng)]
    if options.results is not None:
        result["fitted"] = fitted_rates(options.results, 4 * options.cohorts, rng)
        result["recovered"] = recovered(options.results)
    print(write(result))


def write(result):
    """Write what is known so far, and give it for people."""
    path = HERE / "results" / "false_positives.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(markdown(result), encoding="utf-8")
    return f"{markdown(result)}\nwritten to {path} and .md"


def _options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cohorts", type=int, default=200, help=f"cohorts per row, each with {RESPONSES} parameters"
    )
    parser.add_argument(
        "--results", type=Path, help="folder of a finished run with groups (the one with cohort/)"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def scenario_rates(name, cohorts, rng):
    """Rates of false positives of every test and shape of parameters in one scenario."""
    make, n, tests = SCENARIOS[name]
    found = {}
    for _ in range(cohorts // (COMBAT_SHARE if make is harmonisable else 1)):
        people = made_people(n, rng)
        latent = make(people, rng)
        for shape, change in SHAPES.items():
            values = responses_of(people, latent, change)
            for model, test in tests.items():
                found.setdefault((model, shape), []).append(test(people, values, rng))
    return [
        {"scenario": name, "n": n, "model": model, "parameters": shape, **rates(p)}
        for (model, shape), p in found.items()
    ]


def rates(draws):
    """Share of p below the level, by t and by permutation, with its Monte-Carlo standard error.

    Responses of one cohort or drawing may go together: the spread over these counts where it is larger.
    """
    p = np.concatenate(draws, axis=1)
    by_t, by_permutation = (None if np.isnan(each).all() else float((each <= LEVEL).mean()) for each in p)
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


if __name__ == "__main__":
    main()

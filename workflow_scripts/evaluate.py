"""Rule evaluate: score the best fit of every person with fresh noise, on training and held-out scans."""

import numpy as np

from cubnm_core import load_model
from cubnm_core.evaluation import evaluate_seeds
from cubnm_core.objective import has_failed
from cubnm_core.simulation import STATUS
from workflow_scripts import archives, costs, fitted, job, noise_seeds, simulations, tables
from workflow_scripts.spaces import search_space

KEYS = ("participant_id", "session_id", "fit")
ANALYSIS = ("pairs", "band_pass", "window", "window_step", "edges")
EVALUATION = (*KEYS, "split", "measure", "mean", "sd", "n_seeds", "n_failed", *ANALYSIS, "seeds")
STATES = (*KEYS, "label", "hemisphere", "variable", "mean", "sd", "unit")
RECORD = ("bold", "fc", "fcd", "state_means")


def main(sm):
    """Simulate every fitted person again and write scores, regional states and one simulation each."""
    logger = job.start(sm)
    settings, splits = sm.params.settings, sm.params.splits
    nodes = tables.read_nodes(sm.input.nodes)
    space = search_space(settings, nodes)
    best = fitted.best_coordinates(sm.input.fits, sm.wildcards.fit)
    evaluation, states, regional, arrays = [], [], [], {}
    model = load_model(settings["model"])
    connectomes = archives.Archive(sm.input.connectomes)
    targets = archives.by_split(sm.input.targets, splits)
    for ids in sm.params.units:
        key = (ids["participant_id"], ids["session_id"] or job.MISSING)
        if key not in best:
            logger.warning("%s has no fit and is not evaluated", ids["unit"])
            continue
        person = simulations.read_person(ids, connectomes, targets, settings["delays"], settings["objective"])
        first = noise_seeds.of_session(sm.params.first_seed, ids["session_id"])
        seeds = range(first, first + sm.params.seeds)
        params, evaluated = evaluate_person(person, fitted.composed(space, best[key]), settings, nodes, seeds)
        keys = dict(zip(KEYS, (*key, sm.wildcards.fit), strict=True))
        evaluation += score_rows(keys, evaluated, settings)
        states += state_rows(keys, evaluated, nodes, model)
        regional += fitted.regional_rows(keys, params, nodes, model)
        arrays |= {f"{ids['unit']}/{name}": getattr(evaluated, name) for name in ("bold", "fc", "fcd")}
        logger.info("%s: %s", ids["unit"], describe(evaluated))
    job.write_tsv(sm.output.evaluation, evaluation, columns=EVALUATION)
    job.write_tsv(sm.output.states, states, columns=STATES)
    job.write_tsv(sm.output.regional_parameters, regional, columns=fitted.REGIONAL)
    job.write_npz(sm.output.simulations, **arrays)


def evaluate_person(person, params, settings, nodes, seeds):
    """Simulate a person with every seed and score against every split there is.

    Returns
    -------
    params : dict of str to float or (N,) array
        As used, inhibitory weights included.
    cubnm_core.evaluation.Evaluation
    """
    hemispheres = [node["hemisphere"] for node in nodes]
    params = fitted.tuned_parameters(person, params, settings, hemispheres)
    held = fitted.without_control(settings, params)
    simulate_batch = simulations.batch_simulator(held, hemispheres, person.repetition_time, RECORD)
    objective = costs.make_objective(settings)
    return params, evaluate_seeds(
        simulate_batch, person.weights, params, person.targets, objective, list(seeds), person.lengths
    )


def score_rows(keys, evaluated, settings):
    """Make one row per split and measure, with the settings of the analysis beside every score."""
    failed = int(has_failed(evaluated.status).sum())
    stored = {"n_seeds": len(evaluated.seeds), "n_failed": failed}
    stored |= conditions(settings, evaluated.seeds)
    return [
        {**keys, "split": split, "measure": measure, "mean": mean, "sd": sd, **stored}
        for split in evaluated.scores
        for measure, (mean, sd) in evaluated.score_summary(split).items()
    ]


def conditions(settings, seeds):
    """Give what stands beside every score: pairs, filter and windows of the analysis, and the noise seeds."""
    return {**analysed(settings["analysis"]), "seeds": f"{seeds[0]}-{seeds[-1]}"}


def analysed(analysis):
    """Give pairs, filter and windows of an analysis as tables hold them."""
    band = analysis["band_pass"]
    stored = {key: analysis[key] for key in ANALYSIS}
    return {**stored, "band_pass": "none" if band is None else f"{band[0]}-{band[1]}"}


def state_rows(keys, evaluated, nodes, model):
    """Make one row per region and variable."""
    return [
        {
            **keys,
            "label": node["label"],
            "hemisphere": node["hemisphere"],
            "variable": variable,
            "mean": mean[index],
            "sd": sd[index],
            "unit": model.unit(variable),
        }
        for variable, (mean, sd) in evaluated.regional_summary().items()
        for index, node in enumerate(nodes)
    ]


def describe(evaluated):
    """Say the scores of a person in one line."""
    parts = []
    for split in evaluated.scores:
        scores = evaluated.score_summary(split)
        shown = [name for name in ("fc_corr", "fcd_ks") if name in scores]
        named = [f"{name} {scores[name][0]:.3f} ± {scores[name][1]:.3f}" for name in shown]
        parts.append(f"{split} {', '.join(named)}")
    for code in sorted(set(evaluated.status) - {0}):
        count = np.count_nonzero(evaluated.status == code)
        parts.append(f"{count} of {len(evaluated.seeds)} simulations ended with the status {STATUS[code]}")
    return "; ".join(parts)


if "snakemake" in globals():
    main(snakemake)

"""Rule evaluate: score the best fit of every person with fresh noise, on training and held-out scans."""

import numpy as np

from cubnm_core import load_model
from cubnm_core.errors import InputError
from cubnm_core.evidence.evaluation import evaluate_models
from cubnm_core.fitting import packing
from cubnm_core.fitting.candidates import Candidate, with_inhibition
from cubnm_core.measures.objective import has_failed
from cubnm_core.simulation.simulation import STATUS
from workflow_scripts.cohort import noise_seeds, tables
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.configuration import objectives
from workflow_scripts.files import archives, job
from workflow_scripts.fitting import best_fits, simulators

KEYS = ("participant_id", "session_id", "fit")
ANALYSIS = ("pairs", "band_pass", "window", "window_step", "edges")
EVALUATION = (*KEYS, "split", "measure", "mean", "sd", "n_seeds", "n_failed", *ANALYSIS, "seeds")
STATES = (*KEYS, "label", "hemisphere", "variable", "mean", "sd", "unit")
RECORD = ("bold", "fc", "fcd", "state_means")


def main(sm):
    """Simulate every fitted person again and write scores, regional states and one simulation each."""
    logger = job.start(sm)
    settings = sm.params.settings
    nodes, model = tables.read_nodes(sm.input.nodes), load_model(settings["model"])
    people = fitted_people(sm, search_space(settings, nodes), logger)
    found = evaluate_people(people, settings, nodes, sm.threads)
    evaluation, states, regional, arrays = [], [], [], {}
    for (person, *_), one in zip(people, found, strict=True):
        unit, participant, session = (person.ids[key] for key in ("unit", "participant_id", "session_id"))
        if isinstance(one, InputError):
            logger.error("%s cannot be evaluated: %s", unit, one)
            continue
        params, evaluated = one
        keys = dict(zip(KEYS, (participant, session or job.MISSING, sm.wildcards.fit), strict=True))
        evaluation += score_rows(keys, evaluated, settings)
        states += state_rows(keys, evaluated, nodes, model)
        regional += best_fits.regional_rows(keys, params, nodes, model)
        arrays |= {f"{unit}/{name}": getattr(evaluated, name) for name in ("bold", "fc", "fcd")}
        logger.info("%s: %s", unit, describe(evaluated))
    job.write_tsv(sm.output.evaluation, evaluation, columns=EVALUATION)
    job.write_tsv(sm.output.states, states, columns=STATES)
    job.write_tsv(sm.output.regional_parameters, regional, columns=best_fits.REGIONAL)
    job.write_npz(sm.output.simulations, **arrays)


def fitted_people(sm, space, logger):
    """People of the batch who have a fit, with its parameters and their seeds, as evaluated below."""
    settings, people = sm.params.settings, []
    best = best_fits.best_coordinates(sm.input.fits, sm.wildcards.fit)
    connectomes = archives.Archive(sm.input.connectomes)
    targets = archives.by_split(sm.input.targets, sm.params.splits)
    for ids in sm.params.units:
        key = (ids["participant_id"], ids["session_id"] or job.MISSING)
        if key not in best:
            logger.warning("%s has no fit and is not evaluated", ids["unit"])
            continue
        person = simulators.read_person(ids, connectomes, targets, settings["delays"], settings["objective"])
        first = noise_seeds.of_session(sm.params.first_seed, ids["session_id"])
        seeds = range(first, first + sm.params.seeds)
        people.append((person, best_fits.composed(space, best[key]), seeds))
    return people


def evaluate_people(people, settings, nodes, threads):
    """Simulate people with every seed and score against every split there is.

    Those of one repetition time and session go together, as their noise and inhibition control do.

    Parameters
    ----------
    people : list of (simulations.Person, dict of parameters, seeds)
        Parameters as of :func:`workflow_scripts.fitting.best_fits.composed`, all with the same number of
        seeds.
    settings : dict
        Resolved settings of the fit.
    nodes : list of dict
        Rows of the node table.
    threads : int

    Returns
    -------
    list of (dict, cubnm_core.evidence.evaluation.Evaluation) or InputError
        The parameters as used, inhibitory weights included. One person's error is that of no other.
    """
    together, found = {}, {}
    for place, (person, *_) in enumerate(people):
        together.setdefault((person.repetition_time, person.ids["session_id"]), []).append(place)
    for places in together.values():
        members = [people[place] for place in places]
        found |= zip(places, _evaluated(members, settings, nodes, threads), strict=True)
    return [found[place] for place in range(len(people))]


def _evaluated(people, settings, nodes, threads):
    """The same for people of one repetition time and session; each alone if there is an error together."""
    try:
        return _simulated(people, settings, [node["hemisphere"] for node in nodes], threads)
    except InputError as error:
        if len(people) == 1:
            return [error]
        return [found for one in people for found in _evaluated([one], settings, nodes, threads)]


def _simulated(people, settings, hemispheres, threads):
    repetition_time, session = people[0][0].repetition_time, people[0][0].ids["session_id"]
    candidates = [
        Candidate(person.weights, params, person.targets, seeds, person.lengths)
        for person, params, seeds in people
    ]
    result_bytes = simulators.result_bytes(settings, len(hemispheres), repetition_time)
    size = packing.batch_size(simulators.used_backend(settings), threads, result_bytes)
    weight = best_fits.inhibitory_weight(settings)
    if weight is not None:
        tune = best_fits.weight_tuner(settings, hemispheres, repetition_time, session)
        candidates = with_inhibition(candidates, weight, tune, size)
    held = best_fits.without_control(settings, candidates[0].params)
    simulate_batch = simulators.batch_simulator(held, hemispheres, repetition_time, RECORD, threads)
    evaluated = evaluate_models(candidates, simulate_batch, objectives.make_objective(settings), size)
    return [(candidate.params, one) for candidate, one in zip(candidates, evaluated, strict=True)]


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

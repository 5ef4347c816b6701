"""What is searched for every person and restart, and what its history depends on."""

from importlib.metadata import version

from cubnm_core import STAGE_VERSIONS, load_model
from cubnm_core.fitting.course import retest_key
from cubnm_core.fitting.expectations import MARKS
from cubnm_core.fitting.optimisers import OptimizerSettings
from cubnm_core.fitting.run import FitProblem, Retest
from cubnm_core.simulation.inhibition import Inhibition
from cubnm_core.simulation.simulation import simulate
from workflow_scripts.cohort import noise_seeds
from workflow_scripts.cohort.units import FitKey
from workflow_scripts.configuration import hemodynamics, objectives
from workflow_scripts.configuration.method import is_linear
from workflow_scripts.fitting import expected_scores, simulators
from workflow_scripts.fitting.durations import hashed_layout
from workflow_scripts.fitting.fingerprints import defaults, fingerprint, hashed_fields, hashed_settings
from workflow_scripts.fitting.histories import History
from workflow_scripts.fitting.simulators import recorded

# Settings of the search that say when it ends, not what it does until then.
_BUDGET = ("generations", "patience")
# What the first fingerprints hold of a simulation and its feedback inhibition control. What is added later
# enters where it is not at its default, and is not listed.
_KEYWORDS = (
    "duration", "burn_in", "dt", "hemodynamic_dt", "hemodynamics", "scheme", "precision", "fic",
    "repetition_time", "window", "window_step", "window_edges", "band_pass", "interhemispheric",
)  # fmt: skip
_CONTROL = ("method", "target", "warm_up", "trials", "rate_band")


def make_problems(people, simulator, begin=None, space=None):
    """State what is searched for every person and restart, and what its history belongs to.

    Parameters
    ----------
    people : dict of str to workflow_scripts.fitting.people.Person
        By the name under which they are fitted: of the unit, or of a null model.
    simulator : workflow_scripts.fitting.simulators.CohortSimulator
    begin : dict, optional
        By name, or by FitKey for one restart, further keywords of its problems: where they start (see
        :func:`workflow_scripts.fitting.starting_points.read_starting_points`).
    space : cubnm_core.fitting.search_space.SearchSpace, optional
        That of the fit by default.

    Returns
    -------
    problems : dict of FitKey to FitProblem
        The key of a problem is its FitKey as text.
    histories : dict of str to History
        By key of the problem; those of re-tests included.
    """
    settings, space, begin = simulator.settings, space or simulator.space, begin or {}
    objective = simulator.objective
    optimizer = optimizer_settings(settings["optimizer"])
    stated = settings["optimizer"]["initial"]
    common = {
        "space": space,
        "objective": objective,
        "optimizer": optimizer,
        "replicates": settings["replicates"],
        "initial": space.to_unit(stated)[0] if stated else None,
    }
    terms = (*objective.known, "shrinkage", *marks(settings))
    problems, histories = {}, {}
    for name, person in people.items():
        seeds = _session_seeds(settings, person.unit.session_id)
        for restart in range(settings["optimizer"]["restarts"]):
            key = FitKey(name, restart)
            problem = problems[key] = FitProblem(
                key=str(key),
                weights=person.weights,
                lengths=person.lengths,
                target=person.targets["train"],
                restart=restart,
                **common | seeds | begin.get(name, {}) | begin.get(key, {}),
            )
            simulated = simulator.lasting(person.duration).in_search.settings
            mark = problem_fingerprint(problem, simulated, simulator.hemispheres, person.repetition_time)
            histories[problem.key] = History(mark, space, terms)
            if problem.retest is not None:
                budget = [getattr(optimizer, name) for name in _BUDGET]
                retest = fingerprint(mark, budget, problem.retest, *_steps(settings))
                histories[retest_key(problem.key)] = History(retest, space, terms)
    return problems, histories


def marks(settings):
    """Name what histories hold of every candidate beside its terms."""
    return MARKS if is_linear(settings) else ()


def _steps(settings):
    """Steps of re-tests, where the search has others."""
    simulation = settings["simulation"]
    return [[simulation["dt"], simulation["hemodynamic_dt"]]] if "search_steps" in settings else []


def problems_of(problems, name):
    """List the problems of who is fitted under a name, restart by restart."""
    return [problem for key, problem in problems.items() if key.name == name]


def _session_seeds(settings, session_id):
    """Noise seed and re-test of a session, as keywords of its problems."""
    seeds, retest = {"noise_seed": noise_seeds.of_session(settings["noise_seed"], session_id)}, None
    if settings["retest"] is not None:
        first_seed = noise_seeds.of_session(settings["retest"]["first_seed"], session_id)
        retest = Retest(**{**settings["retest"], "first_seed": first_seed})
    return {**seeds, "retest": retest}


def optimizer_settings(stated):
    """Translate the section ``optimizer`` of a fit into what the core understands."""
    own = {name: value for name, value in stated.items() if name not in ("restarts", "initial")}
    return OptimizerSettings(**{**own, "shape": own["shape"] or None, "options": own["options"] or None})


def problem_fingerprint(problem, settings, hemispheres, repetition_time):
    """Hash everything the history of a search depends on.

    A larger or smaller number of generations goes on from the same history, and so does a changed re-test. A
    design is laid out for its number of generations. Targets count with their content, so the version of the
    stage that made them does not.
    """
    target = {"fc": problem.target.fc, "fcd": problem.target.fcd}
    if problem.target.fcd_cdf is not None:
        target["fcd_cdf"] = problem.target.fcd_cdf
    target |= _hashed_beyond_fc(problem, settings)
    if problem.target.layout is not None:
        target["layout"] = hashed_layout(problem.target.layout)
        target |= {"observables of": "pieces"} if "observables" in target else {}
    optimizer = hashed_fields(problem.optimizer)
    if not problem.optimizer.is_design:
        optimizer = {name: value for name, value in optimizer.items() if name not in _BUDGET}
    space = [list(problem.space.free.items()), problem.space.fixed, problem.space.regional]  # free: in order
    start = [problem.initial, problem.prior]
    noise = [problem.noise_seed, problem.replicates]
    search = [problem.key, problem.restart, space, objectives.identity(settings), optimizer, start, noise]
    simulated = _hashed_keywords(simulators.simulation_keywords(settings, repetition_time))
    pairs = hemispheres if settings["analysis"]["pairs"] != "all" else None
    software = [STAGE_VERSIONS["simulation"], version("pymoo"), version("cma")]
    connectome = [problem.weights, problem.lengths]
    model = load_model(settings["model"])
    scored = expected_scores.identity(settings)
    return fingerprint(connectome, target, search, simulated, pairs, model, software, *scored)


def _hashed_beyond_fc(problem, settings):
    """Give what a cost compares beside FC and FCD: observables, and BOLD for terms that ask for it."""
    names = objectives.observable_terms(settings)
    found = {name: problem.target.observables[name] for name in names if name in problem.target.observables}
    asks_for_scans = any("target_bold" in term.asks for term in problem.objective.own.values())
    beyond = {"observables": found} if found else {}
    return beyond | ({"bold": list(problem.target.bold)} if asks_for_scans else {})


def _hashed_keywords(keywords):
    """Give the keywords of a simulation that are hashed."""
    # The history itself names the device of every generation.
    keywords = {name: value for name, value in keywords.items() if name != "backend"}
    keywords["hemodynamics"] = hemodynamics.identity(keywords["hemodynamics"])
    if keywords["fic"] is not None:
        keywords["fic"] = hashed_settings(keywords["fic"], _CONTROL, defaults(Inhibition))
    return hashed_settings(keywords, _KEYWORDS, defaults(simulate))


def needed_arrays(problems):
    """Say what simulations have to give: FCD only if somebody's scans have one, BOLD where pieces count."""
    targets = [problem.target for problem in problems]
    with_fcd = any(target.fcd is not None or target.fcd_cdf is not None for target in targets)
    needed = ("fc", "fcd", "state_means") if with_fcd else ("fc", "state_means")
    return recorded(needed, targets)

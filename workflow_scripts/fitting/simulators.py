"""The one way to simulate for all rules: what a fit and a cohort have settled, known once."""

from functools import cached_property

from cubnm_core.errors import InputError
from cubnm_core.evidence.evaluation import evaluate_models
from cubnm_core.fitting import packing
from cubnm_core.fitting.candidates import Tuner, score_candidates
from cubnm_core.simulation.assembly import chosen_backend
from workflow_scripts.cohort import noise_seeds, tables
from workflow_scripts.cohort.observables import make_panel
from workflow_scripts.cohort.regional_constants import with_regional_constants
from workflow_scripts.cohort.search_spaces import search_space
from workflow_scripts.configuration import hemodynamics, objectives
from workflow_scripts.configuration.method import is_linear
from workflow_scripts.configuration.simulation import search_simulation
from workflow_scripts.fitting.expected_scores import expectations

SIMULATION_KEYS = ("duration", "burn_in", "dt", "hemodynamic_dt", "scheme", "precision")
SCORED = ("fc", "fcd", "state_means")
EVALUATED = ("bold", *SCORED)
# What simulations are scored by, and what comes in place of it.
COMPARED = ("fc", "fcd", "observables", "bold", "states")
STATE_PERIOD = 0.01  # s, nearly: that of cubnm_core.simulate


class CohortSimulator:
    """Simulates models of people with the settings of a fit.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit.
    nodes : list of dict
        Rows of the node table.
    threads : int
    """

    def __init__(self, settings, nodes, threads):
        self.settings = with_regional_constants(settings, nodes)
        self.nodes, self.threads = nodes, threads
        self.hemispheres = [node["hemisphere"] for node in nodes]
        self._lasting = {}

    @classmethod
    def of_job(cls, sm):
        """Make that of a job, from the ``nodes``, ``settings`` and ``threads`` that Snakemake gives it."""
        return cls(sm.params.settings, tables.read_nodes(sm.input.nodes), sm.threads)

    def lasting(self, duration):
        """Give the one whose simulations last so many s, burn-in included, as those of a person do."""
        simulation = self.settings["simulation"]
        if duration is None or duration == simulation["duration"]:
            return self
        if duration not in self._lasting:
            settings = {**self.settings, "simulation": {**simulation, "duration": duration}}
            self._lasting[duration] = type(self)(settings, self.nodes, self.threads)
        return self._lasting[duration]

    @cached_property
    def space(self):
        """What the fit searches, a SearchSpace."""
        return search_space(self.settings, self.nodes)

    @cached_property
    def objective(self):
        """What the fit minimises, an Objective."""
        return objectives.make_objective(self.settings)

    @cached_property
    def weight(self):
        """Name of the weights that feedback inhibition control finds; None for a fit without it."""
        from cubnm_core import load_model

        control = self.settings["fic"]
        return None if control is None else load_model(self.settings["model"]).inhibition["weight"]

    def simulate_batch(self, repetition_time, record):
        """Give what :func:`cubnm_core.fitting.run.run_fits` simulates with; `repetition_time` in s."""
        return batch_simulator(
            self.settings, self.hemispheres, repetition_time, record, self.threads, self.panel
        )

    @cached_property
    def panel(self):
        """Observables of the analysis, a Panel; None without any."""
        return make_panel(self.nodes, self.settings["analysis"])

    def scored(self, arrays):
        """Add to arrays that simulations record what the cost needs beside them.

        Returns
        -------
        tuple of str
        """
        observed = () if self.panel is None else ("observables",)
        return tuple(dict.fromkeys((*arrays, *observed, *self.objective.recorded_arrays)))

    @property
    def in_search(self):
        """The simulator of the search, whose steps may be coarser, and which may score without simulating."""
        if "search_steps" not in self.settings and not is_linear(self.settings):
            return self
        settings = {**self.settings, "simulation": search_simulation(self.settings)}
        kind = LinearSearch if is_linear(settings) else CohortSimulator
        return kind(settings, self.nodes, self.threads)

    def pack_size(self, repetition_time):
        """Say how many simulations keep the device busy and fit into memory."""
        recorded = self.objective.recorded_arrays
        one = result_bytes(self.settings, len(self.nodes), repetition_time, recorded)
        return packing.batch_size(used_backend(self.settings), self.threads, one)

    def packer(self, repetition_time, record, **changes):
        """Simulate models as they stand, inhibitory weights included.

        Parameters
        ----------
        repetition_time : float
            In s.
        record : sequence of str
            As of :func:`cubnm_core.simulate`.
        **changes
            Other values in place of the settings ``simulation``, such as ``duration`` (s).

        Returns
        -------
        cubnm_core.fitting.packing.Packer
        """
        return self._packer({**self.settings, "fic": None}, repetition_time, record, changes)

    def _packer(self, settings, repetition_time, record, changes):
        settings = {**settings, "simulation": {**settings["simulation"], **changes}}
        changed = CohortSimulator(settings, self.nodes, self.threads)
        return packing.Packer(
            changed.simulate_batch(repetition_time, record), changed.pack_size(repetition_time)
        )

    def tuner(self, repetition_time, session_id):
        """Let feedback inhibition control find the inhibitory weights of models.

        They belong to a fit: scores over other noise are those of the same model, not of one tuned again.

        Parameters
        ----------
        repetition_time : float
            In s.
        session_id : str
            Whose noise the control sees, as in the fit.

        Returns
        -------
        cubnm_core.fitting.candidates.Tuner or None
            None for a fit without such control.
        """
        if self.weight is None:
            return None
        # The control does its work before the simulation begins, so the shortest one will do.
        shortest = {"duration": repetition_time, "burn_in": 0.0}
        packer = self._packer(self.settings, repetition_time, (), shortest)
        return Tuner(self.weight, packer, noise_seeds.of_session(self.settings["noise_seed"], session_id))

    def tune(self, candidates, repetition_time, session_id):
        """Give candidates with the inhibitory weights of :meth:`tuner`, or as they are without control."""
        tuner = self.tuner(repetition_time, session_id)
        return candidates if tuner is None else tuner.tune(candidates)

    def evaluate(self, models):
        """Simulate models of people with every seed and score them against every split there is.

        Parameters
        ----------
        models : list of (workflow_scripts.fitting.people.Person, Candidate)

        Returns
        -------
        list of (Candidate, cubnm_core.evidence.evaluation.Evaluation) or InputError
            The candidate as simulated, inhibitory weights included. One person's error is that of no other.
        """
        found = {}
        for (duration, *conditions), places in _by_conditions(models).items():
            candidates = [models[place][1] for place in places]
            evaluated = self.lasting(duration)._evaluate(candidates, *conditions)
            found |= zip(places, evaluated, strict=True)
        return [found[place] for place in range(len(models))]

    def _evaluate(self, candidates, repetition_time, session_id):
        """The same for one repetition time and session; each alone if there is an error together."""
        try:
            tuned = self.tune(candidates, repetition_time, session_id)
            packer = self.packer(repetition_time, self.scored(recorded(EVALUATED, _targets(candidates))))
            found = evaluate_models(tuned, packer, self.objective)
        except InputError as error:
            if len(candidates) == 1:
                return [error]
            alone = [self._evaluate([one], repetition_time, session_id) for one in candidates]
            return [one for found in alone for one in found]
        return list(zip(tuned, found, strict=True))

    def score(self, models):
        """Score models of people over their seeds against every split there is.

        Parameters
        ----------
        models : list of (workflow_scripts.fitting.people.Person, Candidate)

        Returns
        -------
        dict of int to dict of str to dict of str to (S,) array, or InputError
            Place among the models to its scores by split and measure. Those of one duration, repetition time
            and session stand together, as they were simulated. One model's error is that of no other.
        """
        found = {}
        for (duration, *conditions), places in _by_conditions(models).items():
            candidates = [models[place][1] for place in places]
            scored = self.lasting(duration)._score(candidates, *conditions)
            found |= zip(places, scored, strict=True)
        return found

    def _score(self, candidates, repetition_time, session_id):
        """The same for one repetition time and session; each alone if there is an error together."""
        try:
            tuned = self.tune(candidates, repetition_time, session_id)
            packer = self.packer(repetition_time, self.scored(recorded(SCORED, _targets(candidates))))
            board = score_candidates(tuned, packer, self.objective)
            return [board.scores(number) for number in range(len(candidates))]
        except InputError as error:
            if len(candidates) == 1:
                return [error]
            return [found for one in candidates for found in self._score([one], repetition_time, session_id)]


class LinearSearch(CohortSimulator):
    """Scores candidates by linear response; simulates those that it flags, without FCD and observables."""

    def simulate_batch(self, repetition_time, record):
        """The same for scores that are expected."""
        simulate = batch_simulator(
            self.settings, self.hemispheres, repetition_time, ("state_means",), self.threads
        )
        keywords = simulation_keywords(self.settings, repetition_time)
        return expectations(self.settings, keywords, self.hemispheres, self.threads, simulate)

    def pack_size(self, repetition_time):
        """The same, where delays and the FC of every candidate are kept."""
        one = 16 * len(self.nodes) ** 2
        return packing.batch_size(used_backend(self.settings), self.threads, one)


def _by_conditions(models):
    """Places of the models of one duration, repetition time and session, as their noise and control are."""
    together = {}
    for place, (person, _) in enumerate(models):
        conditions = person.duration, person.repetition_time, person.unit.session_id
        together.setdefault(conditions, []).append(place)
    return together


def _targets(candidates):
    return [target for candidate in candidates for target in candidate.targets.values()]


def recorded(record, targets):
    """Say what simulations have to give: BOLD, not the FCD, where pieces of them are compared with targets.

    Parameters
    ----------
    record : sequence of str
        What is compared with targets without pieces.
    targets : iterable of Target

    Returns
    -------
    tuple of str
    """
    targets = list(targets)
    if all(target.binned_fcd is None for target in targets):
        record = [name for name in record if name != "fcd"]
    layouts = {target.layout for target in targets}
    if layouts <= {None}:
        return tuple(record)
    kept = [name for name in record if name != "fcd" or None in layouts]
    return tuple(dict.fromkeys([*kept, "bold"]))


def batch_simulator(settings, hemispheres, repetition_time, record, threads=None, panel=None):
    """Fix everything about a simulation that does not change within a fit.

    Parameters
    ----------
    settings : dict
        Resolved settings of a fit.
    hemispheres : sequence of str
    repetition_time : float
        In s.
    record : sequence of str
        As of :func:`cubnm_core.simulate`.
    threads : int, optional
        All cores that this process may use by default.
    panel : cubnm_core.measures.observables.panel.Panel, optional
        Observables of the analysis.

    Returns
    -------
    callable
        ``simulate_batch`` as :func:`cubnm_core.fitting.run.run_fits` wants it. With a comparison, its scores
        come in place of all arrays that simulations are scored by.
    """
    from cubnm_core import load_model, simulate

    model = load_model(settings["model"])
    fixed = simulation_keywords(settings, repetition_time)
    without_arrays = tuple(name for name in record if name not in COMPARED)

    def simulate_batch(weights, connectome, params, seed, lengths, comparison=None):
        return simulate(
            model,
            weights,
            params,
            connectome=connectome,
            lengths=lengths,
            seed=seed,
            hemispheres=hemispheres,
            record=record if comparison is None else without_arrays,
            comparison=comparison,
            panel=panel,
            threads=threads,
            **fixed,
        )

    return simulate_batch


def result_bytes(settings, nodes, repetition_time, recorded=()):
    """Size of what a search keeps of one simulation, nearly.

    Means of some ten states; FC and FCD, and what else is `recorded`, only where averages or a term of the
    user's own need them.
    """
    simulation = settings["simulation"]
    if not settings["terms"] and "averaged_runs" not in settings:
        return 80 * nodes
    step = max(settings["analysis"]["window_step"], repetition_time)
    windows = (simulation["duration"] - simulation["burn_in"]) / step
    bold = simulation["duration"] / repetition_time if "bold" in recorded else 0
    states = 10 * simulation["duration"] / STATE_PERIOD if "states" in recorded else 0
    return int(4 * nodes**2 / 2 + 4 * windows**2 / 2 + 80 * nodes + 8 * nodes * (bold + states))


def used_backend(settings):
    """Name the engine that runs here, whatever "auto" means on the next machine."""
    return chosen_backend(settings["simulation"]["backend"])


def simulation_keywords(settings, repetition_time):
    """Translate the settings of a fit into keywords of :func:`cubnm_core.simulate`.

    Returns
    -------
    dict
        Without nodes, parameters, seed and what is recorded.
    """
    analysis, simulation = settings["analysis"], settings["simulation"]
    return {
        **{key: simulation[key] for key in SIMULATION_KEYS},
        **({"noise_step": simulation["noise_step"]} if "noise_step" in simulation else {}),
        "hemodynamics": hemodynamics.constants(settings["simulation"]["hemodynamics"]),
        "backend": used_backend(settings),
        "fic": inhibition_keyword(settings),
        "repetition_time": repetition_time,
        "window": analysis["window"],
        "window_step": analysis["window_step"],
        "window_edges": analysis["edges"],
        "band_pass": analysis["band_pass"],
        "global_signal": analysis.get("global_signal", "kept"),
        "interhemispheric": analysis["pairs"] == "all",
    }


def inhibition_keyword(settings):
    """Give the feedback inhibition control with the limits of firing rates outside which it has failed."""
    control = settings["fic"]
    return None if control is None else {**control, "rate_band": settings["rate_limits"]}


def without_control(settings, params):
    """Settings under which parameters are used as they stand, if inhibitory weights are among them."""
    from cubnm_core import load_model

    model = load_model(settings["model"])
    return {**settings, "fic": None} if model.inhibition.get("weight") in params else settings

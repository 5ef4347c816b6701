"""For every entry of the configuration a change, and what runs again: rules, those of a fit with its name."""

from cubnm_core.measures.observables.catalogue import OBSERVABLES

TABLES = {"cohort_tables", "compare_fits", "statistics", "report"}
# Rules with a job for every fit (and batch), and those that put all fits together.
SCORES = {
    "evaluate", "profiles", "expected_landscapes", "nulls", "cross_parameters", "cross", "held_out_people",
}  # fmt: skip
OF_ALL_FITS = {"cross_tables", *TABLES}


# Of all fits, where fits or their evaluations change.
EVIDENCE = {"reliability", "identifiability", "landscape_table", "null_tests", "person_figures"}


def of_fit(fit, rules):
    """Rules of a fit, and what is made of all fits."""
    return {(rule, fit) for rule in rules} | OF_ALL_FITS


def of_fits(rules):
    """The same for all fits."""
    return of_fit("one", rules) | of_fit("two", rules) | of_fit("three", rules)


ONE, TWO = (of_fit(fit, {"fit", "fold_fit", *SCORES}) | EVIDENCE for fit in ("one", "two"))
THREE = of_fit("three", {"group_fit", "fit", "fold_fit", *SCORES}) | EVIDENCE
EVALUATIONS = of_fits(SCORES) | EVIDENCE
PROFILES = {("profiles", fit) for fit in ("one", "two", "three")}
HELD_OUT = {("held_out_people", fit) for fit in ("one", "two", "three")}
LANDSCAPES = {"landscape_table", "person_figures", *TABLES}
LANDSCAPES |= {("expected_landscapes", fit) for fit in ("one", "two", "three")}
NULLS = {"null_tests", *(("nulls", fit) for fit in ("one", "two", "three"))}
FITS = ONE | TWO | THREE
COMPARISONS = {"quality_control", "baselines", *TABLES}
SIGNAL = {"global_signal", "baselines"}
AVERAGES = {"group_average", "fold_average", "cross_people"}
TARGETS = {"empirical_targets", *AVERAGES, *SIGNAL, *COMPARISONS, *FITS}
OBSERVED = {"observables", *TARGETS}
COMMON = {"common_nodes", "scale_connectome", *TARGETS}
CONNECTOMES = {"prepare_connectome", *COMMON}
SCANS = {"prepare_bold", *COMMON}
EVERYTHING = CONNECTOMES | SCANS
MADE = {
    "make_synthetic_cohort",
    "brain",
    "prepare_connectome",
    "prepare_bold",
    "common_nodes",
    "scale_connectome",
}
MADE |= {"empirical_targets", "fold_average", "cross_people", *SIGNAL, *COMPARISONS, *ONE}

_SIMULATION = {
    "duration": 800.0,
    "burn_in": 10.0,
    "dt": 5.0e-4,
    "hemodynamic_dt": 2.0e-3,
    "scheme": "heun",
    "precision": "double",
    "backend": "reference",
}
_OPTIMIZER = {
    "name": "de",
    "population": 8,
    "generations": 3,
    "restarts": 1,
    "sigma": 0.3,
    "tolerance": 0.1,
    "patience": 2,
    "seed": 2,
}
_LINEAR = {"method": "linear", "objective": {"fc_corr": 1.0}, "terms": {}}
_OBJECTIVES = {"optimizer.name": "nsga2", "objectives": ["fc_corr", "fcd_ks"]}
_SYNTHETIC = {
    "participants": 6,
    "sessions": 2,
    "nodes": 10,
    "scan_duration": 730.0,
    "repetition_time": 2.0,
    "dt": 1.0e-3,
    "parameters": {"G": {"mean": 1.0, "sd": 0.1}},
    "parameters.*.mean": {"G": {"mean": 1.0, "sd": 0.05}},
    "parameters.*.sd": {"G": {"mean": 1.55, "sd": 0.1}},
    "parameters.*.group_difference": {"G": {"mean": 1.55, "sd": 0.05, "group_difference": 0.1}},
    "parameters.*.session_sd": {"G": {"mean": 1.55, "sd": 0.05, "session_sd": 0.1}},
    "connectome_spread": 0.1,
    "connectome_error": 0.1,
    "measurement_noise": 0.1,
    "global_signal": 0.1,
    "clean": True,
    "seed": 2,
}


def _one(**changes):
    """Changes of the first fit."""
    return {f"fits.one.{place.replace('__', '.')}": value for place, value in changes.items()}, ONE


def _costs(case):
    """The same with all that depends on what a fit compares, and on how much it simulates."""
    changes, rules = case
    return changes, {*SIGNAL, *rules}


def _experiment(kind, **settings):
    """One experiment; every setting of it simulates all of them, and no fit."""
    done = {("perform_experiments", fit) for fit in ("one", "two", "three")}
    return {"experiments": {"new": {**kind, **settings}}}, {"experiment_table", *TABLES, *done}


_NODE = {"lesion": {"nodes": ["LH_Vis_1"]}}
_EXPERIMENTS = {
    "lesion.nodes": _experiment(_NODE),
    "lesion.edges": _experiment({"lesion": {"edges": [["LH_Vis_1", "RH_Vis_1"]]}}),
    "lesion.each_region": _experiment({"lesion": {"each_region": True}}),
    "lesion.share": _experiment({"lesion": {"nodes": ["LH_Vis_1"], "share": 0.5}}),
    "change.parameter": _experiment({"change": {"parameter": "J_N", "factor": 2.0}}),
    "change.factor": _experiment({"change": {"parameter": "J_N", "factor": 3.0}}),
    "change.along": _experiment({"change": {"parameter": "J_N", "factor": 2.0, "along": "index"}}),
    "inhibition": _experiment(_NODE, inhibition="tuned"),
    "candidates": _experiment(_NODE, candidates=2),
    "seeds": _experiment(_NODE, seeds=3),
}

CASES = {
    "config.experiments": _experiment(_NODE),
    **{f"config.experiments.*.{place}": case for place, case in _EXPERIMENTS.items()},
    "config.manifest": ({"manifest": "other_manifest.tsv"}, TABLES),
    "config.participants": ({"participants": "other_participants.tsv"}, COMPARISONS),
    "config.left_out": ({"left_out": "left_out.tsv"}, TABLES),
    "config.nodes": ({"nodes": "other_nodes.tsv"}, {"brain", *EVERYTHING}),
    "config.maps.path": ({"maps.path": "others.tsv"}, ONE),
    "config.maps.normalise": ({"maps.normalise": "zscore"}, ONE),
    "config.connectome.source": ({"connectome.source": "mean"}, CONNECTOMES),
    "config.connectome.mask": ({"connectome.mask": "consensus"}, COMMON),
    "config.connectome.session": ({"connectome.session": "first"}, CONNECTOMES),
    "config.connectome.scaling": ({"connectome.scaling": "log"}, COMMON),
    "config.connectome.group_factor": (
        {"connectome.scaling": "group_constant", "connectome.group_factor": 2.0},
        COMMON,
    ),
    "config.connectome.asymmetric": ({"connectome.asymmetric": "average"}, CONNECTOMES),
    "config.connectome.threshold.absolute": ({"connectome.threshold.absolute": 0.1}, COMMON),
    "config.connectome.threshold.density": ({"connectome.threshold.density": 0.5}, COMMON),
    "config.connectome.lengths.source": ({"connectome.lengths.source": "euclidean"}, COMMON),
    "config.connectome.lengths.tortuosity": ({"connectome.lengths.tortuosity": 1.2}, COMMON),
    "config.connectome.lengths.missing": ({"connectome.lengths.missing": "refuse"}, COMMON),
    "config.node_policy.largest_missing": ({"node_policy.largest_missing": 0.5}, EVERYTHING),
    "config.node_policy.isolated": ({"node_policy.isolated": "missing"}, CONNECTOMES),
    "config.quality.mean_fd": ({"quality.mean_fd": 0.2}, COMPARISONS),
    "config.quality.outlier": ({"quality.outlier": 2.0}, COMPARISONS),
    "config.bold.hemodynamics": ({"bold.hemodynamics": "friston-3T"}, FITS),
    "config.bold.band_pass": ({"bold.band_pass": [0.01, 0.1]}, SCANS),
    "config.bold.filtered": ({"bold.filtered": [0.01, 0.1]}, SCANS),
    "config.bold.filtered_order": ({"bold.filtered": [0.01, 0.1], "bold.filtered_order": 1}, SCANS),
    "config.bold.global_signal": ({"bold.global_signal": "regressed"}, TARGETS),
    "config.bold.initial_volumes": ({"bold.initial_volumes": 1}, SCANS),
    "config.bold.detrend": ({"bold.detrend": "linear"}, SCANS),
    "config.bold.zscore": ({"bold.zscore": True}, SCANS),
    "config.bold.fd_threshold": ({"bold.fd_threshold": 0.5}, SCANS),
    "config.bold.shortest_scan": ({"bold.shortest_scan": 1.0}, SCANS),
    "config.bold.shortest_fcd": ({"bold.shortest_fcd": 1.0}, SCANS),
    "config.bold.duplicates": ({"bold.duplicates": "exclude"}, COMMON),
    "config.analysis.pairs": ({"analysis.pairs": "intrahemispheric"}, TARGETS),
    "config.analysis.window": ({"analysis.window": 20.0}, TARGETS),
    "config.analysis.window_step": ({"analysis.window_step": 4.0}, TARGETS),
    "config.analysis.edges": ({"analysis.edges": "keep"}, TARGETS),
    "config.analysis.censored_share": ({"analysis.censored_share": 0.2}, TARGETS),
    "config.analysis.observables": ({"analysis.observables": ["synchrony"]}, OBSERVED),
    "config.holdout": ({"holdout": "none"}, TARGETS),
    **{
        f"config.dataset.{key}": ({f"dataset.{key}": value}, TABLES)
        for key, value in (("name", "other"), ("license", "CC0"), ("authors", ["A. N. Other"]))
    },
    "config.report.smallest_group": ({"report.smallest_group": 10}, TABLES),
    "config.report.people_shown": ({"report.people_shown": 8}, TABLES),
    "config.brain.atlas": ({"brain.atlas": ["maps.tsv"]}, {"brain", *TABLES}),
    "config.brain.names": ({"brain.names": "maps.tsv"}, {"brain", *TABLES}),
    **{
        f"config.brain.surfaces.{side}": (
            {"brain.surfaces": {"left": "maps.tsv", "right": "maps.tsv"} | {side: "others.tsv"}},
            {"brain", *TABLES},
        )
        for side in ("left", "right")
    },
    "config.histories.folder": ({"histories.folder": "elsewhere"}, TABLES),
    "config.histories.other_device": ({"histories.other_device": "refuse"}, TABLES),
    "config.histories.shared": ({"histories.shared": False}, TABLES),
    **{
        f"config.statistics.{key}": ({f"statistics.{key}": value}, TABLES)
        for key, value in (
            ("models", {"level": {"formula": "group"}}),
            ("permutations", 200),
            ("spins", 200),
            ("seed", 1),
            ("alpha", 0.01),
            ("sensitivity.fit_quality", None),
            ("sensitivity.at_bounds", False),
        )
    },
    **{
        f"config.statistics.primary.{key}": (
            {
                "statistics.models": {"level": {"formula": "mean_fd"}},
                "statistics.primary": {"fit": "one", "contrast": "mean_fd", "quantity": "G", key: value},
            },
            TABLES,
        )
        for key, value in (
            ("fit", "two"),
            ("contrast", "mean_fd: per unit of mean_fd"),
            ("quantity", "fc_corr"),
            ("model", "level"),
        )
    },
    **{
        f"config.statistics.models.*.{key}": (
            {"statistics.models": {"level": {"formula": "group", key: value}}},
            TABLES,
        )
        for key, value in (
            ("formula", "mean_fd"),
            ("test", ["group"]),
            ("quantities", ["scores"]),
            ("states", ["S_E"]),
            ("random", "participant_id"),
            ("blocks", "group"),
            ("exchange", "whole"),
            ("reference", {"group": "a"}),
        )
    },
    "config.statistics.models.*.reference.*": (
        {"statistics.models": {"level": {"formula": "group", "reference": {"group": "a"}}}},
        TABLES,
    ),
    "config.batch_size": ({"batch_size": 3}, EVERYTHING),
    "config.evaluation.seeds": ({"evaluation.seeds": 3}, SIGNAL | EVALUATIONS - PROFILES - NULLS - HELD_OUT),
    "config.evaluation.first_seed": ({"evaluation.first_seed": 2000}, SIGNAL | EVALUATIONS),
    **{
        f"config.evaluation.profile.{key}": (
            {f"evaluation.profile.{key}": value},
            {"identifiability", *PROFILES, *TABLES},
        )
        for key, value in (("points", 9), ("seeds", 3), ("people", 1))
    },
    **{
        f"config.evaluation.nulls.{key}": ({f"evaluation.nulls.{key}": value}, {*NULLS, *TABLES})
        for key, value in (("kinds", ["rewired"]), ("count", 2), ("seeds", 3), ("seed", 2))
    },
    "config.evaluation.nulls.refits": (
        {"evaluation.nulls.refits": 1},
        {*NULLS, *TABLES, *(("null_fits", fit) for fit in ("one", "two", "three"))},
    ),
    **{
        f"config.evaluation.landscapes.{key}": ({f"evaluation.landscapes.{key}": value}, LANDSCAPES)
        for key, value in (("compute", "always"), ("points", 8))
    },
    # Twins are made on request; tables tell the configuration.
    **{
        f"config.twins.{key}": ({f"twins.{key}": value}, TABLES)
        for key, value in (("count", 20), ("parameters", "own"), ("first_seed", 7000), ("seed", 2))
    },
    "config.evaluation.others": ({"evaluation.others": 2}, of_fits({"cross"})),
    "config.evaluation.cross_seeds": ({"evaluation.cross_seeds": 4}, of_fits({"cross", "held_out_people"})),
    "config.evaluation.folds": (
        {"evaluation.folds": 2},
        {"fold_average", *of_fits({"fold_fit", "held_out_people"})},
    ),
    "config.fits.*.hemodynamics": _one(hemodynamics="friston-3T"),
    "config.fits.*.protocol": _costs(_one(protocol="quick")),
    "config.fits.*.model": ({"fits.two.model": "own.toml"}, TWO),
    "config.fits.*.fic.method": _one(fic={"method": "numerical"}),
    "config.fits.*.fic.target": _one(fic__target=4.0),
    "config.fits.*.fic.warm_up": _one(fic__warm_up=20.0),
    "config.fits.*.fic.trials": _one(fic={"method": "numerical", "trials": 4}),
    "config.fits.*.fic.rate_band": _one(fic__rate_band=[1.0, 5.0]),
    "config.fits.*.delays": _one(delays=True, fixed__v=5.0),
    "config.fits.*.free": _one(free={"G": [0.5, 5.0], "J_N": [0.1, 0.2]}),
    "config.fits.*.free.*.bounds": _one(free__w_p__bounds=[0.3, 2.0]),
    "config.fits.*.free.*.value": _one(
        free__w_p={"value": 1.0, "maps": {"myelin": [-0.5, 0.5]}, "limits": None}
    ),
    "config.fits.*.free.*.maps": _one(free__w_p__maps=["myelin"]),
    "config.fits.*.free.*.maps.*": _one(free__w_p__maps__myelin="auto"),
    "config.fits.*.free.*.groups": _one(free__w_p={"bounds": [0.2, 2.0], "groups": "node"}),
    "config.fits.*.free.*.limits": _one(free__w_p__limits=[0.1, 3.0]),
    "config.fits.*.fixed": _one(fixed__J_N=0.2),
    "config.fits.*.fixed.*.column": _one(fixed__sigma__column="myelin"),
    **{
        f"config.fits.*.objective.{term}": _costs(({f"fits.one.objective.{term}": 0.7}, ONE))
        for term in ("fc_corr", "fcd_ks", "fcd_ks_binned", "fc_diff", "fc_normec", "rate_penalty")
    },
    "config.fits.*.objective.rate_band": _costs(_one(objective__rate_band=0.7)),
    "config.fits.*.objective.fic_failed": _costs(_one(objective__fic_failed=0.7)),
    **{
        f"config.fits.*.objective.{name}": (
            {"analysis.observables": [name], f"fits.one.objective.{name}": 0.7},
            OBSERVED,
        )
        for name in OBSERVABLES
    },
    "config.fits.*.objectives": _costs(
        ({f"fits.three.{place}": value for place, value in _OBJECTIVES.items()}, THREE)
    ),
    "config.fits.*.constraints": _one(constraints={"rate_band": 0.1}),
    "config.fits.*.constraints.*": _one(constraints={"fic_failed": 0.0}),
    "config.fits.*.rate_limits": _one(rate_limits=[1.0, 5.0]),
    "config.fits.*.terms": _one(terms={}),
    "config.fits.*.terms.*.file": _one(terms__own__file="other.py"),
    "config.fits.*.terms.*.weight": _one(terms__own__weight=2.0),
    "config.fits.*.terms.*.worst": _one(terms__own__worst=2.0),
    "config.fits.*.noise_seed": _one(noise_seed=3),
    "config.fits.*.replicates": _one(replicates=2),
    "config.fits.*.retest.candidates": _one(retest__candidates=3),
    "config.fits.*.retest.seeds": _one(retest__seeds=3),
    "config.fits.*.retest.first_seed": _one(retest__first_seed=600),
    "config.fits.*.averaged_runs": _one(averaged_runs=1),
    "config.fits.*.search_steps.dt": _one(search_steps={"dt": 2.0e-3, "hemodynamic_dt": 2.0e-3}),
    "config.fits.*.search_steps.hemodynamic_dt": _one(search_steps={"dt": 1.0e-3, "hemodynamic_dt": 2.0e-3}),
    "config.fits.*.strongest_weight": _one(strongest_weight=0.02),
    "config.fits.*.method": _costs(_one(**_LINEAR)),
    "config.fits.*.flagged": _costs(_one(**_LINEAR, flagged="worst")),
    "config.fits.*.start.from": (  # a fold's group is fitted with the fit's own search either way
        {"fits.two.start": {"from": "group"}},
        {("group_fit", "two"), *TWO} - {("fold_fit", "two")},
    ),
    "config.fits.*.start.flagged": (
        {**_one(**_LINEAR)[0], "fits.two.start": {"from": "one", "flagged": 1}},
        {*SIGNAL, *ONE, *TWO},  # folds make the same steps
    ),
    "config.fits.*.start.connectome": (
        {"fits.three.start.connectome": "consensus"},
        {"group_average", "fold_average", *THREE},
    ),
    "config.fits.*.start.shrinkage": (
        {"fits.three.start.shrinkage": 1.0},
        THREE - {("group_fit", "three"), ("fold_fit", "three")},
    ),
    **{
        f"config.simulation.{key}": (
            {f"fits.one.simulation.{key}": value},
            ONE | SIGNAL if key in ("duration", "burn_in") else ONE,
        )
        for key, value in _SIMULATION.items()
    },
    **{
        f"config.fits.*.optimizer.{key}": ({f"fits.one.optimizer.{key}": value}, ONE)
        for key, value in _OPTIMIZER.items()
    },
    "config.fits.*.optimizer.initial": _one(optimizer__initial={"G": 1.0, "w_p": 1.0, "w_p.myelin": 0.1}),
    "config.fits.*.optimizer.initial.*": _one(optimizer__initial={"G": 2.0, "w_p": 1.0, "w_p.myelin": 0.1}),
    "config.fits.*.optimizer.options": _one(optimizer__options={"CMA_elitist": True}),
    "config.fits.*.optimizer.options.*": _one(optimizer__options={"CMA_elitist": "initial"}),
    "config.fits.*.optimizer.shape": _one(
        optimizer={"name": "grid", "shape": {"G": 3, "w_p": 3, "w_p.myelin": 2}}
    ),
    "config.fits.*.optimizer.shape.*": _one(
        optimizer={"name": "grid", "shape": {"G": 4, "w_p": 3, "w_p.myelin": 2}}
    ),
}
SYNTHETIC_CASES = {
    f"config.synthetic.{key}": ({f"synthetic.{key.partition('.')[0]}": value}, MADE)
    for key, value in _SYNTHETIC.items()
}
# For every stage, what runs again when its version rises.
VERSIONS = {
    "simulation": FITS | SIGNAL,
    "targets": {"brain", *EVERYTHING},
    "evidence": of_fits(SCORES - {"evaluate"})
    | {
        "cross_people",
        "reliability",
        "identifiability",
        "landscape_table",
        "person_figures",
        "null_tests",
        *SIGNAL,
    },
    "statistics": {"null_tests", *OF_ALL_FITS},
}
# What is told by other entries, or only names them; what needs sessions or sites that these people lack,
# and is a parameter like the rest of its section.
UNUSED = {"config.truth", "config.fits"}
UNUSED |= {f"config.statistics.models.*.{key}" for key in ("response", "sessions", "time", "combat")}

"""What the rules of the export need."""


def data_dictionaries():
    """The JSON files that describe the columns of the tables of the cohort."""
    made = ["fits", "convergence", "front", "evaluation", "states", "regional_parameters", "baselines"]
    made += ["reliability", "identifiability", "parameter_correlations", "profiles"]
    made += ["nulls", "null_tests", "rewiring"]
    made += ["cross", "contrasts", "identification", "held_out_people"]
    made += ["coupling", "qc", "exclusions", "missing_nodes", "nodes"] + (
        ["recovery"] if CONFIG["truth"] else []
    )
    return [f"results/cohort/{name}.json" for name in made]

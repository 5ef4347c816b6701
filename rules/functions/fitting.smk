"""What the rules of the fits need: where searches start, and where their checkpoints lie."""


def fit_start(wildcards):
    """Fit that people start from; a group that has grown does not make them start again."""
    stated = FITS[wildcards.fit]["start"]
    if stated is None:
        return []
    if stated["from"] == start.FROM_GROUP:
        return lasting(f"results/group/{wildcards.fit}_fits.tsv")
    return f"results/fits/{stated['from']}/batch-{wildcards.batch}_fits.tsv"


def start_candidates(wildcards):
    """All candidates of the fit that people start from, where restarts begin at some of them."""
    return _landscape(fit_start(wildcards)) if start.flagged_restarts(FITS[wildcards.fit]) else []


def _landscape(fits):
    """Landscape that belongs to a table of fits."""
    return fits.replace("_fits.tsv", "_landscape.npz")


def search_version(wildcards):
    """Version of what scores the candidates of a search."""
    return method.version(FITS[wildcards.fit], VERSIONS["simulation"])


def group_average(wildcards):
    """Average of the group that a fit with two levels begins with."""
    return f"results/group/{FITS[wildcards.fit]['start']['connectome']}.npz"


def group_settings(wildcards):
    """Settings of the fit of the group."""
    return start.group_settings(fit_settings(wildcards))


def unsettled_settings(wildcards):
    """Resolved settings of a fit whose time step is to be chosen, whatever was chosen before."""
    return resolve_fit(CONFIG, wildcards.fit)


def chosen_steps(wildcards):
    """Records of the time steps that are to be chosen."""
    stated = {name: resolve_fit(CONFIG, name) for name in FITS}
    return [time_steps.RECORD.format(fit=name) for name, fit in stated.items() if "step_choice" in fit]


def histories(wildcards):
    """Folder of the checkpoints of a fit, those of twins apart from those of people."""
    folder = CONFIG["histories"]["folder"]
    return f"{folder}/twins/{wildcards.twins_of}" if hasattr(wildcards, "twins_of") else folder


def shares(wildcards):
    """Whether a job advances other fits of its batch where it has places to spare."""
    return int(CONFIG["histories"]["shared"] and hasattr(wildcards, "batch"))

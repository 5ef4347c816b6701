"""Methods text on one fit: model, simulation, parameters, cost, search."""

from cubnm_core.equations.files import load_model
from workflow_scripts.configuration import hemodynamics, parameters
from workflow_scripts.configuration.method import SIMULATE, flagged_choice, is_linear
from workflow_scripts.configuration.schemas import protocols
from workflow_scripts.configuration.simulation import MATCH
from workflow_scripts.configuration.start import FROM_GROUP
from workflow_scripts.files.words import plural
from workflow_scripts.report.methods.sources import SOURCES, of_model
from workflow_scripts.report.search_text import objective_sentence, search_sentence

SCHEMES = {"euler_maruyama": "with the Euler–Maruyama scheme", "heun": "with the stochastic Heun scheme"}
DELAYS = "Conduction delays were tract lengths divided by the velocity v (m/s)."
FIC = {
    "analytical": (
        "Feedback inhibition control set local inhibition analytically for excitatory rates near 3 Hz.",
        ["deco2014", "demirtas2019"],
    ),
    "plasticity": (
        "Feedback inhibition control tuned local inhibition by plasticity to rates near {target:g} Hz in a "
        "{warm_up:g} s warm-up before every simulation and then held it fixed.",
        ["deco2014", "vogels2011"],
    ),
    "numerical": (
        "Feedback inhibition control started from the analytical solution and adjusted local inhibition in "
        "up to {trials} trials of ten simulated seconds.",
        ["deco2014", "demirtas2019"],
    ),
}
# What is said of the sets of haemodynamic constants, and their sources beside that of the model itself.
PUBLISHED = "rates as published"
RECIPROCAL = (
    "as cuBNM has them: decay and autoregulation are the reciprocals of the published rates 0.65 /s and "
    "0.41 /s², so that the response peaks about 1.4 s earlier"
)
SIGNAL_3T = ["stephan2007", "heinzle2016"]
HEMODYNAMICS = {
    "friston-3T": (PUBLISHED, SIGNAL_3T),
    "friston-1.5T": (PUBLISHED, []),
    "cubnm-3T": (RECIPROCAL, SIGNAL_3T),
    "cubnm-1.5T": (RECIPROCAL, []),
}
UNITS = {"kappa": " /s", "gamma": " /s²", "tau": " s", "V0": " %"}
NOISE = "Noise came from a counter-based generator, so a seed gives the same noise on every machine."


def sentences(cohort, fit):
    """Say what one fit was: list of (sentence, sources), sources as keys or as Source."""
    setting = cohort.fit_settings[fit]
    model, simulation = load_model(setting["model"]), setting["simulation"]
    stated = [
        (
            f"Fit “{fit}”: {model.title}, integrated {SCHEMES[simulation['scheme']]} in steps of "
            f"{1e3 * simulation['dt']:g} ms{_search_steps(setting)} {_length(simulation)}"
            f"{_precision(simulation)}.",
            of_model(model),
        ),
        *_strongest_weight(setting),
        *([(DELAYS, [])] if setting["delays"] else []),
        *_inhibition(setting["fic"]),
        _bold(simulation),
        (_parameters(setting), []),
        objective_sentence(setting),
        search_sentence(setting),
        *_linear(setting),
        *_protocol(cohort.config.get("fits", {}).get(fit, {}).get("protocol")),
    ]
    return stated if setting["start"] is None else [*stated, *_start(setting["start"])]


def _search_steps(setting):
    """Steps of the search, where it has its own."""
    if "search_steps" not in setting:
        return ""
    neural, bold = (1e3 * setting["search_steps"][name] for name in ("dt", "hemodynamic_dt"))
    return f" ({neural:g} ms in the search, where BOLD had steps of {bold:g} ms)"


def _strongest_weight(setting):
    """Scale of the connectomes of this fit, where it has its own."""
    if "strongest_weight" not in setting:
        return []
    text = f"For this fit every connectome was scaled to a largest weight of {setting['strongest_weight']:g}."
    return [(text, [])]


def _linear(setting):
    """How candidates were scored without simulating them."""
    if not is_linear(setting):
        return []
    flagged = (
        "were simulated with the noise seed of the search"
        if flagged_choice(setting) == SIMULATE
        else "counted as the worst"
    )
    text = (
        "In the search, FC scores were those expected of a scan of this length, from the equations, "
        "linearised around the fixed point that a short noisy run led to, and firing rates those of this "
        "point. Candidates without a stable fixed point, with several, with fluctuations that were not "
        f"small or lived elsewhere, or whose feedback inhibition control failed {flagged}. Re-tests, "
        "evaluations and all evidence were simulated."
    )
    return [(text, ["deco2013"])]


def _protocol(name):
    """What differs from the paper whose protocol a fit follows."""
    about = protocols().get(name, {}).get("about", {})
    if "differs" not in about:
        return []
    cited = [source.key for source in SOURCES.values() if source.doi == about["source"]]
    text = f"What is not stated otherwise followed the protocol {name}. Departures from its paper: "
    return [(f"{text}{'; '.join(about['differs'])}.", cited)]


def _inhibition(fic):
    if fic is None:
        return []
    text, cited = FIC[fic["method"]]
    return [(text.format(**fic), cited)]


def _length(simulation):
    """Say how long simulations were, and what of them was compared."""
    if simulation["duration"] == MATCH:
        return (
            f"for {simulation['burn_in']:g} s, which were discarded, and as long as the runs of a person "
            "last; scans were compared with pieces of simulations as long as their own runs"
        )
    return f"for {simulation['duration']:g} s, of which the first {simulation['burn_in']:g} s were discarded"


def _precision(simulation):
    """Single or double precision, once it is settled."""
    precision = simulation.get("precision", "auto")
    return "" if precision == "auto" else f", in {precision} precision"


def _bold(simulation):
    """Where BOLD comes from."""
    found = hemodynamics.constants(simulation["hemodynamics"])
    if found is None:
        return "A model variable was taken as BOLD, without a haemodynamic model.", []
    step = simulation.get("hemodynamic_dt")
    steps = "" if step is None else f" in steps of {1e3 * step:g} ms"
    name = hemodynamics.set_name(simulation["hemodynamics"])
    told, cited = HEMODYNAMICS.get(name, ("stated in the configuration", []))
    values = ", ".join(_constant(name, value) for name, value in found.items())
    return (
        f"BOLD was computed with the Balloon–Windkessel model{steps}; its constants were "
        f"{'' if name is None else f'the set {name}, '}{told} ({values}).",
        ["friston2003", *cited],
    )


def _constant(name, value):
    """A haemodynamic constant with its value, or where its values stand."""
    if isinstance(value, dict):
        return f"{name} of each region from column {value['column']} of the table of maps"
    return f"{name} {value:.4g}{UNITS.get(name, '')}"


def _parameters(setting):
    free = ", ".join(_free_text(name, entry) for name, entry in setting["free"].items())
    fixed = ", ".join(_fixed_text(name, value) for name, value in setting["fixed"].items())
    return f"Free parameters: {free}; {f'fixed: {fixed}; ' if fixed else ''}all others at their defaults."


def _free_text(name, entry):
    """A free parameter with its bounds, and how it differs between regions."""
    if not isinstance(entry, dict):
        return f"{name} in [{entry[0]:g}, {entry[1]:g}]"
    bounds = parameters.bounds(entry)
    base = f"{name} = {entry['value']:g}" if bounds is None else f"{name} in [{bounds[0]:g}, {bounds[1]:g}]"
    if "groups" in entry:
        return f"{base}, one value per group of regions ({entry['groups']})"
    limits = parameters.limits(entry)
    within = "" if limits is None else f", rescaled to [{limits[0]:g}, {limits[1]:g}] if out of range"
    return f"{base} times 1 + Σ c·map over the maps {', '.join(entry['maps'])}{within}"


def _fixed_text(name, value):
    if isinstance(value, dict):
        return f"{name} = one value per region ({value['column']})"
    return f"{name} = {value:g}"


def _start(start):
    """Where the searches of people started, who was in the group, and what drew them towards it."""
    if start["from"] == FROM_GROUP:
        found = [_group(start)]
    else:
        started = f"Every search started from the person's best parameters in the fit “{start['from']}”"
        found = [(f"{started}{_flagged(start)}.", [])]
    if start["shrinkage"]:
        drawn = (
            f"A penalty of {start['shrinkage']:g} times the mean squared distance from these parameters, in "
            "units of their ranges, shrank individual estimates towards them."
        )
        found.append((drawn, []))
    return found


def _flagged(start):
    """Which restarts began elsewhere."""
    count = start.get("flagged", 0)
    if not count:
        return ""
    return f", but for the last {plural(count, 'restart')}, from the best candidates flagged there"


def _group(start):
    """How the group was fitted that people started from."""
    search, consensus = start["optimizer"], start["connectome"] == "consensus"
    size = (
        "a grid"
        if search["name"] == "grid"
        else f"{plural(search['restarts'], 'restart')} of up to {search['generations']} generations of "
        f"{search['population']}"
    )
    started = (
        "Every search started from the best parameters of the group, fitted in the same way "
        f"({search['name']}, {size}) to the {start['connectome']} connectome and the average FC and FCD of "
        "the training scans of all usable people, the person included; held-out scans were not used."
    )
    return started, ["betzel2019"] if consensus else []

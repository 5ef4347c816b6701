"""Results as Markdown."""

_HEAD = """\
# CPU seconds per simulation of 60 s

{processor} (family {family}, model {model}; {instructions}), {cores} cores, {system}."""

_NOTE = """\
Median CPU seconds of one core per simulation of 60 s at a time step of 0.1 ms, with noise, feedback
inhibition, BOLD every second, FC and FCD. A ratio is the seconds of the program left of it by ours; d marks a
program that has double precision only. Large cases are measured over shorter simulated durations (JSON file)
and scaled to 60 s: time is proportional to the duration, and what is done once for a simulation is then
counted too often."""

_MODELS = """\
**Other models, conduction delays, 1,000 nodes.**"""

_MODELS_NOTE = """\
The same measure, over {durations} simulated and scaled to 60 s. Each model is in its own precision here
(d: as above), with feedback inhibition only in rWW, the one that has it. cuBNM runs one simulation, which
stands for batches of any size. Delays: tracts of {lengths:.0f} mm on average, between made-up coordinates.
The Kuramoto model has a larger ratio than the others for its arithmetic: we write the sine of a phase
difference as products of sines and cosines of single phases, evaluated once per node instead of
once per connection. With 1,000 nodes neither program computes FC and FCD."""

_SCALING = """\
**Two threads** (N = 100, B = 64, single precision, {simulated} s; wall time, the best of {turns} turns, as
others may be busy on the machine): {one:.2f} s on one, {two:.2f} s on two, {faster:.2f} times faster. Two
threads together take {cpu:.2f} times the CPU time of one."""

_START_UP = """\
**Start** of a fresh process (Python, imports, kernels, a tiny simulation): {cached[wall]:.2f} s wall and
{cached[cpu]:.2f} s CPU with kernels from the cache (best of {turns}); {compiling[wall]:.1f} s wall and
{compiling[cpu]:.1f} s CPU when they are compiled for the first time."""

_MEMORY = """\
**Memory** of a process with 1,000 simulations of 900 s (N = 100, time step 1 ms, FC and FCD recorded): at
most {peak:.2f} GB, of which {results:.2f} GB are the results; {cpu:.0f} CPU seconds."""


def markdown(result):
    """The whole of a result, for people.

    Parameters
    ----------
    result : dict
        As written to the JSON file; parts that were not measured may be missing.

    Returns
    -------
    str
    """
    texts = {
        "cases": _cases,
        "models": _models,
        "scaling": _scaling,
        "start-up": _start_up,
        "memory": _memory,
    }
    parts = [
        text(result[part]) + "\n" + _source(result[part]) for part, text in texts.items() if part in result
    ]
    return "\n\n".join([_head(result["machine"]), *parts]) + "\n"


def _head(machine):
    return _HEAD.format(**machine, instructions=", ".join(machine["has"]))


def _source(part):
    return (
        f"(`{part['command']}`, {part['date']}; load before {part['load']}, scheduling {part['scheduling']})"
    )


def _cases(part):
    return "\n\n".join([_measured(part), _NOTE])


def _models(part):
    simulated = {found["simulated"] for row in part["rows"] for found in row["seconds"].values()}
    durations = " or ".join(f"{seconds} s" for seconds in sorted(simulated))
    note = _MODELS_NOTE.format(durations=durations, lengths=part["mean length"])
    return "\n\n".join([_MODELS, _measured(part), note])


def _measured(part):
    """What the programs are, and the table of each of ours."""
    ours = [name for name in part["programs"] if name.startswith("cubnm_core")]
    peers = [name for name in part["programs"] if name not in ours]
    programs = [
        f"* **{name}**: " + ", ".join(f"{key} {value}" for key, value in about.items())
        for name, about in part["programs"].items()
    ]
    programs += [f"* **{name}** is missing: {reason}" for name, reason in part["missing"].items()]
    grids = ["\n".join(_table(part["rows"], name, peers)) for name in ours]
    return "\n\n".join(["\n".join(programs), *grids])


def _table(cases, ours, peers):
    header = ["model", "N", "B", "precision", ours]
    for name in peers:
        header += [name, "ratio"]
    yield "| " + " | ".join(header) + " |"
    yield "|" + " --- |" * len(header)
    for case in cases:
        yield "| " + " | ".join(_cells(case, ours, peers)) + " |"


def _cells(case, ours, peers):
    velocity = case.get("velocity")
    model = case["model"] + (f", delays of {velocity:g} m/s" if velocity else "")
    cells = [model, str(case["nodes"]), str(case["batch"]), case["precision"]]
    own = case["seconds"].get(ours)
    cells.append(_figure(own["median"]) if own else "failed")
    for name in peers:
        found = case["seconds"].get(name)
        if not (own and found):
            cells += [_figure(found["median"]) if found else "failed", ""]
            continue
        mark = "" if found["precision"] == case["precision"] else " d"
        cells += [_figure(found["median"]) + mark, f"**{found['median'] / own['median']:.1f}**"]
    return cells


def _figure(value):
    """Three digits."""
    return f"{value:.3f}" if value < 1 else f"{value:.3g}"


def _scaling(scaling):
    return _SCALING.format(
        simulated=scaling["simulated"],
        turns=scaling["turns"],
        one=scaling["wall, 1 thread"],
        two=scaling["wall, 2 threads"],
        faster=scaling["speed-up"],
        cpu=scaling["CPU time relative to 1 thread"],
    )


def _start_up(start):
    return _START_UP.format(
        cached=start["from the cache"], compiling=start["compiling"], turns=start["turns"]
    )


def _memory(memory):
    return _MEMORY.format(peak=memory["peak"] / 1e9, results=memory["results"] / 1e9, cpu=memory["cpu"])

"""Names that users give to fits and statistical models: text, and safe as a part of a path on any disk."""

# What Windows keeps for devices; results are copied there, and cannot be.
PORTS = (f"{port}{number}" for port in ("com", "lpt") for number in range(10))
DEVICES = {"con", "prn", "aux", "nul", *PORTS}


def check_text(value, place="", known=None):
    """List keys of settings that are no text, text that no file can hold, and parts that hold themselves.

    Parameters
    ----------
    value : object
        Settings, or a part of them.
    place : str
        Of the part, for the messages.
    known : dict of int to bool, optional
        Identity of every part that was met, to whether all of it was checked.

    Returns
    -------
    list of str
    """
    if isinstance(value, str) and "\0" in value:
        return [f"{place}: {value!r} holds a sign of value 0; delete it"]
    if not isinstance(value, (list, dict)):
        return []
    known = {} if known is None else known
    if id(value) in known:  # an anchor repeats it, or it holds itself
        circle = f"{place}: an anchor (&) stands for a part that holds it (*); write the part in full"
        return [] if known[id(value)] else [circle]
    known[id(value)] = False
    entries = value if isinstance(value, dict) else {str(k): entry for k, entry in enumerate(value)}
    found = [
        f"{place or 'top level'}: the key {key!r} is not text; rename it, or write it in quotes"
        for key in entries
        if not isinstance(key, str)
    ]
    for key, entry in entries.items():
        found += check_text(entry, f"{place}.{key}" if place else str(key), known)
    known[id(value)] = True
    return found


def check(config):
    """List names that are no path, although the schema lets them pass.

    Parameters
    ----------
    config : dict
        As written.

    Returns
    -------
    list of str
    """
    statistics = config.get("statistics")
    models = statistics.get("models") if isinstance(statistics, dict) else None
    found = _check(config.get("fits"), "fits") + _check(models, "statistics.models")
    if "group" in (config.get("fits") or ()):
        found.append(
            "fits: the name 'group' is what start.from calls the fit of the group; choose another one"
        )
    return found


def _check(named, place):
    """List names of devices, and those that a disk which ignores capitals takes for another one."""
    found, known = [], {}
    for name in named if isinstance(named, dict) else ():
        if name.lower() in DEVICES:
            found.append(f"{place}: the name {name!r} is that of a device on Windows; choose another one")
        if other := known.get(name.lower()):
            found.append(
                f"{place}: the names {other!r} and {name!r} differ in capitals only, which some disks "
                "ignore; rename one of them"
            )
        known.setdefault(name.lower(), name)
    return found

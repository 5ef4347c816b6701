"""Names that users give to fits and statistical models: text, and safe as a part of a path on any disk."""

# What Windows keeps for devices; results are copied there, and cannot be.
PORTS = (f"{port}{number}" for port in ("com", "lpt") for number in range(10))
DEVICES = {"con", "prn", "aux", "nul", *PORTS}


def check_text(value, place=""):
    """List the keys of settings that are no text, at every level.

    Parameters
    ----------
    value : object
        Settings, or a part of them.
    place : str
        Of the part, for the messages.

    Returns
    -------
    list of str
    """
    if isinstance(value, list):
        value = {str(number): entry for number, entry in enumerate(value)}
    if not isinstance(value, dict):
        return []
    found = [
        f"{place or 'top level'}: the key {key!r} is not text; rename it, or write it in quotes"
        for key in value
        if not isinstance(key, str)
    ]
    for key, entry in value.items():
        found += check_text(entry, f"{place}.{key}" if place else str(key))
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
    return _check(config.get("fits"), "fits") + _check(models, "statistics.models")


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

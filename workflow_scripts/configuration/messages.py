"""Problems of settings and tables: found by their schema, listed all at once, in words."""

from difflib import get_close_matches

from jsonschema import Draft202012Validator

from cubnm_core.errors import InputError


def raise_problems(title, problems):
    """Raise one InputError that lists all problems; do nothing without problems."""
    if problems:
        raise InputError("\n".join([f"{title}:", *(f"  - {problem}" for problem in problems)]))


def suggestion(word, allowed):
    """Give the nearest allowed word and all of them, as the end of a message."""
    allowed = [str(item) for item in allowed]
    lowered = {item.lower(): item for item in allowed}
    nearest = get_close_matches(str(word).lower(), lowered, n=1)
    meant = f"; did you mean {lowered[nearest[0]]!r}?" if nearest else ";"
    return f"{meant} Allowed: {', '.join(sorted(allowed))}"


def schema_problems(instance, rules):
    """List what contradicts a schema, in words.

    Parameters
    ----------
    instance : object
    rules : dict
        JSON schema.

    Returns
    -------
    list of str
    """
    errors = sorted(
        Draft202012Validator(rules).iter_errors(instance), key=lambda error: list(map(str, error.path))
    )
    return [text for error in errors for text in _describe(error)]


def _describe(error):
    """Turn one error of jsonschema into messages that say where, what and what instead."""
    place = ".".join(map(str, error.absolute_path)) or "top level"
    if error.validator == "additionalProperties":
        allowed = error.schema.get("properties", {})
        unknown = [key for key in error.instance if key not in allowed]
        return [f"{place}: unknown key {key!r}{suggestion(key, allowed)}" for key in unknown]
    if error.validator == "required":
        return [
            f"{place}: key {key!r} is missing" for key in error.validator_value if key not in error.instance
        ]
    if error.validator == "enum":
        allowed = ["null" if item is None else item for item in error.validator_value]
        if all(isinstance(item, int | float) for item in allowed):
            return [f"{place}: {error.instance!r} is not allowed; Allowed: {', '.join(map(str, allowed))}"]
        return [f"{place}: {error.instance!r} is not allowed{suggestion(error.instance, allowed)}"]
    if error.validator == "type" and isinstance(error.instance, str) and _is_number(error.instance):
        return [
            f"{place}: {error.instance!r} is text to YAML, not a number; write it like "
            f"{float(error.instance):.1e}"
        ]
    return [f"{place}: {error.message}{_meaning(error.schema)}"]


def _meaning(rules):
    """Give the first sentence of what a schema says of an entry, as the end of a message."""
    sentence = rules.get("description", "").split(". ")[0].removesuffix(".")
    return f" ({sentence})" if sentence else ""


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True

"""Problems of settings and tables: found by their schema, listed all at once, in words."""

import math
from datetime import date
from difflib import get_close_matches

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from cubnm_core.errors import InputError
from workflow_scripts.files import cells

LARGEST = 3.4e38  # the largest number in single precision, in which simulations run
LARGEST_WHOLE = 2**31 - 1  # counts and seeds
NEEDED = {
    "number": "a finite number",
    "integer": "a whole number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
SWITCHES = "YAML reads yes, no, on and off as true and false; put text in quotes"


def _is_finite(_, value):
    """Say whether a value is a number that can be computed with; neither NaN nor infinity is."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def _is_whole(checker, value):
    return _is_finite(checker, value) and value == int(value) and abs(value) <= LARGEST_WHOLE


#: JSON schema, but for numbers: they are finite.
Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": _is_finite, "integer": _is_whole}
    ),
)


def raise_problems(title, problems):
    """Raise one InputError that lists all problems; do nothing without problems."""
    if problems:
        raise InputError(_listed(title, problems))


class Problems:
    """What independent checks find wrong, collected so that all of it is raised at once."""

    def __init__(self):
        self._texts = []

    def add(self, title, problems):
        """Keep problems under a title."""
        if problems:
            self._texts.append(_listed(title, problems))

    def attempt(self, function, *given):
        """Call a function; None, and its message kept, if it raises an InputError."""
        try:
            return function(*given)
        except InputError as error:
            self._texts.append(str(error))

    def raise_all(self):
        """Raise one InputError with everything found, each once; do nothing if nothing was."""
        if self._texts:
            raise InputError("\n".join(dict.fromkeys(self._texts)))


def _listed(title, problems):
    return "\n".join([f"{title}:", *(f"  - {problem}" for problem in problems)])


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
        JSON schema; its numbers are finite.

    Returns
    -------
    list of str
    """
    errors = sorted(Validator(rules).iter_errors(instance), key=lambda error: list(map(str, error.path)))
    return [text for error in errors for text in _describe(error)]


def _describe(error):
    """Turn one error of jsonschema into messages that say where, what and what instead."""
    place = ".".join(map(str, error.absolute_path)) or "top level"
    if "propertyNames" in list(error.absolute_schema_path)[-2:]:
        rule = error.schema["description"]
        return [f"{place}: the name {error.instance!r} is not allowed; {rule[0].lower()}{rule[1:]}"]
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
        hint = f" ({SWITCHES})" if isinstance(error.instance, bool) else ""
        if all(isinstance(item, int | float) for item in allowed):
            numbers = ", ".join(map(str, allowed))
            return [f"{place}: {_shown(error.instance)} is not allowed{hint}; Allowed: {numbers}"]
        return [
            f"{place}: {_shown(error.instance)} is not allowed{hint}{suggestion(error.instance, allowed)}"
        ]
    if error.validator in ("type", "pattern"):
        return [f"{place}: {_type_problem(error.instance, error.schema)}{_meaning(error.schema)}"]
    return [f"{place}: {error.message}{_meaning(error.schema)}"]


def _type_problem(found, rules):
    """Say that a value is of the wrong kind, and what to write instead."""
    kinds = rules.get("type", "string")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    numeric = "number" in kinds or "integer" in kinds
    number = cells.finite(found) if isinstance(found, str) else None
    if numeric and number is not None:
        return f"{found!r} is text to YAML, not a number; write it like {number:.1e}"
    bounds = [f"{words} {rules[key]:g}" for key, words in LIMITS.items() if key in rules] if numeric else []
    word = rules.get("pattern", "").strip("^$")
    if isinstance(found, str) and numeric and word.isalpha():
        return f"{found!r} is neither {word} nor {', '.join([NEEDED['number'], *bounds])}"
    if isinstance(found, str) and "string" in kinds:
        return f"{found!r} does not match {rules['pattern']!r}"
    needed = " or ".join(NEEDED[kind] for kind in kinds)
    return f"{_shown(found)} is not {', '.join([needed, *bounds])}{_remedy(found, rules, kinds)}"


def _remedy(found, rules, kinds):
    """Say what to do about a value of the wrong kind, where its kind tells."""
    if found is None or (isinstance(found, float) and not math.isfinite(found)):
        default = f" and the default {_shown(rules['default'])} holds" if "default" in rules else ""
        return f"; write one, or leave the key out{default}"
    if isinstance(found, bool) or (isinstance(found, (int, float, date)) and "string" in kinds):
        return "; put it in quotes" if "string" in kinds else f"; {SWITCHES}"
    if not isinstance(found, (int, float)) or "maximum" in rules:
        return ""
    if "integer" in kinds:
        return f"; it is at most {LARGEST_WHOLE:,}" if abs(found) > LARGEST_WHOLE else ""
    return f"; it is at most {LARGEST:g}" if abs(found) > LARGEST else ""


def _shown(value):
    """Write a value as it stands in a file of settings."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if isinstance(value, date) else repr(value)


def _meaning(rules):
    """Give the first sentence of what a schema says of an entry, as the end of a message."""
    sentence = rules.get("description", "").split(". ")[0].removesuffix(".")
    return f" ({sentence})" if sentence else ""

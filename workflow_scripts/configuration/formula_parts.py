"""What a formula of the statistics may hold: names of columns, numbers, operators and a list of functions.

The library that makes designs evaluates what looks like Python in a formula. So nothing reaches it that was
not taken apart here, without being evaluated, and found on the list.
"""

import ast
import re
from contextlib import contextmanager

from cubnm_core.errors import InputError

OPERATORS = "+-*/:^~"
PLAIN = ("C", "I", "center", "log", "log2", "log10", "exp", "exp2", "exp10")
NUMPY = (
    "abs",
    "cbrt",
    "cos",
    "exp",
    "expm1",
    "log",
    "log10",
    "log1p",
    "log2",
    "sign",
    "sin",
    "sqrt",
    "square",
)
#: Functions, each with what it takes beside a column: one by its place, the others by name.
FUNCTIONS = {
    **dict.fromkeys([*PLAIN, *(f"np.{name}" for name in NUMPY)], ()),
    "scale": ("center", "scale", "ddof"),
    "standardize": ("center", "rescale", "ddof"),
    "poly": ("degree", "raw"),
    "bs": ("df", "degree"),
}
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub)
LONGEST, DEEPEST = 1000, 10  # characters, brackets within each other
LARGEST_NUMBER, LARGEST_POWER = 1e15, 10
MOST_TERMS = 1000
NUMBER = re.compile(r"\d+\.?\d*|\.\d+", re.ASCII)
QUOTED = re.compile("`([^`]+)`")
ALLOWED = (
    "a formula holds names of columns (in `backquotes` where they have blanks), numbers, "
    f"{' '.join(OPERATORS)} ** and the functions {', '.join(FUNCTIONS)} of a column"
)


@contextmanager
def readable(formula):
    """Turn whatever the library says of a formula that it cannot read into an InputError."""
    from formulaic.errors import FormulaicError

    try:
        yield
    except (FormulaicError, SyntaxError, ValueError, IndexError, RecursionError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{formula!r} cannot be read ({reason}); write terms joined by +, such as group + age"
        ) from None


def check(formula):
    """Refuse a formula that holds anything but the parts of formulas. Nothing of it is evaluated.

    Parameters
    ----------
    formula : str

    Raises
    ------
    InputError
        Naming the part that is not allowed.
    """
    from formulaic.parser import DefaultFormulaParser
    from formulaic.parser.algos.tokenize import tokenize

    if len(formula) > LONGEST:
        raise InputError(f"{_short(formula)} has {len(formula)} characters; at most {LONGEST} are read")
    _check_brackets(formula)
    with readable(formula):
        tokens = list(tokenize(formula))
    for token in tokens:
        _check_token(token, formula)
    with readable(formula):
        tree = DefaultFormulaParser().get_ast(formula)
    count = _count_terms(tree)
    if count > MOST_TERMS:
        raise InputError(f"{_short(formula)} has up to {count:,} terms; at most {MOST_TERMS:,} are tested")


def columns(factor):
    """Name the columns that one factor of a term is made of.

    Parameters
    ----------
    factor : formulaic factor
        Of a formula that was checked.

    Returns
    -------
    set of str
    """
    kind = factor.eval_method.value
    if kind == "python":
        tree, names = _parse(factor.expr)
        return _names(tree, names)
    return {factor.expr} if kind == "lookup" else set()


def _check_brackets(formula):
    """Refuse brackets so deep that taking them apart would end in an error of Python."""
    depth = 0
    for sign in formula:
        depth += (sign in "([{") - (sign in ")]}")
        if depth > DEEPEST:
            raise InputError(f"{_short(formula)} has more than {DEEPEST} brackets within each other")


def _check_token(token, formula):
    """Refuse a token of a formula that is none of its parts."""
    text, kind = token.token, token.kind.value
    if kind == "operator":
        refused = text.strip("".join(OPERATORS))
    elif kind == "context":
        refused = text.strip("()")
    elif kind == "value":
        refused = "" if NUMBER.fullmatch(text) else text
    elif kind == "name":
        refused = "." if text == "." else ""
    elif formula[token.source_start] == "{":
        refused = f"{{{text}}}"
    else:
        _check_python(text, formula)
        refused = ""
    if refused:
        raise _refusal(formula, refused)


def _check_python(text, formula):
    """Refuse a call that is not one of a listed function, or has other arguments than columns and numbers."""
    if set(text) & set("'\"\\"):
        raise _refusal(formula, text)
    with readable(formula):
        tree, _ = _parse(text)
    if not isinstance(tree, ast.Call):
        raise _refusal(formula, text)
    wrong = _find_wrong(tree)
    if wrong is not None:
        raise _refusal(formula, QUOTED.sub(r"\1", text) if wrong is tree else ast.unparse(wrong))


def _parse(text):
    """Parse a call without evaluating it; columns in backquotes get other names, which come back as well."""
    names = {}

    def rename(found):
        alias = f"column_{len(names)}_of_backquotes"
        names[alias] = found[1]
        return f" {alias} "

    return ast.parse(QUOTED.sub(rename, text).strip(), mode="eval").body, names


def _names(tree, aliases):
    """Names in an expression that are no functions."""
    functions = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.Call) for part in ast.walk(node.func)
    }
    found = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions]
    return {aliases.get(name, name) for name in found}


def _find_wrong(node):
    """Find the first part of an expression that no formula holds; None without any."""
    if isinstance(node, ast.Name):
        return node if node.id.startswith("__") else None
    if isinstance(node, ast.Constant):
        return None if _is_number(node) else node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ARITHMETIC):
        return _find_wrong(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ARITHMETIC):
        if isinstance(node.op, ast.Pow) and not (_is_power(node.right) and _names(node.left, {})):
            return node
        return _find_wrong(node.left) or _find_wrong(node.right)
    return _find_wrong_call(node) if isinstance(node, ast.Call) else node


def _find_wrong_call(node):
    """Find what is wrong with a call: its function, a first argument without a column, others, no numbers."""
    options = FUNCTIONS.get(ast.unparse(node.func))
    if options is None:
        return node.func
    if not node.args or not _names(node.args[0], {}) or len(node.args) > 1 + bool(options):
        return node
    stated = {keyword.arg: keyword.value for keyword in node.keywords}
    if not set(stated) <= set(options):
        return node
    others = [*node.args[1:], *stated.values()]
    wrong = next((each for each in others if not (_is_number(each) or _is_switch(each))), None)
    return wrong or _find_wrong(node.args[0])


def _is_number(node):
    value = getattr(node, "value", None)
    return isinstance(node, ast.Constant) and type(value) in (int, float) and abs(value) <= LARGEST_NUMBER


def _is_switch(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, bool)


def _is_power(node):
    """Say whether an exponent is a small number, so that no power takes for ever."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        node = node.operand
    return _is_number(node) and abs(node.value) <= LARGEST_POWER


def _count_terms(node):
    """Give the most terms that a formula can have, before it is expanded."""
    parts = [_count_terms(part) for part in getattr(node, "args", ())]
    if len(parts) < 2:
        return max([1, *parts])
    left, right = parts
    symbol = node.operator.symbol
    if symbol in ("**", "^"):
        exponent = getattr(node.args[1], "token", "")
        return left ** int(exponent) if re.fullmatch(r"\d{1,2}", exponent, re.ASCII) else MOST_TERMS + 1
    if symbol == "*":
        return left + right + left * right
    return left * right if symbol == ":" else left + right


def _refusal(formula, part):
    return InputError(f"{_short(formula)} holds {_short(part)}, which is not allowed; {ALLOWED}")


def _short(text):
    return repr(text if len(text) <= 100 else f"{text[:97]}...")

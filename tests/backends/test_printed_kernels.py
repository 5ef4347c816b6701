"""What the backends print for a step of rWW: kept beside the tests, so that a reader sees what is generated.

After a change that is meant: python tests/backends/test_printed_kernels.py
"""

from pathlib import Path

import pytest

from cubnm_core import load_model
from cubnm_core.backends import reference
from cubnm_core.backends.cpu import printer as cpu
from cubnm_core.backends.cpu.layout import Layout
from cubnm_core.backends.cuda.printer import Printer
from cubnm_core.equations.expressions import names
from cubnm_core.equations.files import MODELS_FOLDER, model_from_tables
from cubnm_core.equations.hemodynamics import lower_hemodynamics
from cubnm_core.equations.lowering import SCHEMES, lower

GOLDEN = Path(__file__).parent / "golden"
TILE = Layout(lanes=8, width=8, rows=4, columns=1, local_width=8, own_noise=False)


def printed():
    """The text of one step of rWW from every backend, by file."""
    program = lower(load_model("rWW"), 1e-4)
    hemodynamics = lower_hemodynamics("cubnm-1.5T", 1e-3)
    module = cpu.module(program, hemodynamics, TILE, "single")
    return {
        "rWW_reference.py": "\n\n\n".join(reference.sources(program, 0)) + "\n",
        "rWW_cpu.py": module[module.index("@plain\ndef couple") :],
        "rWW_cuda.cu": "\n\n".join(Printer(program, hemodynamics, "single").dynamics()) + "\n",
    }


@pytest.mark.parametrize("name", ["rWW_reference.py", "rWW_cpu.py", "rWW_cuda.cu"])
def test_the_printed_step_is_the_one_kept_here(name):
    kept = (GOLDEN / name).read_text(encoding="utf-8")
    assert printed()[name] == kept, f"golden/{name} is out of date: run python {Path(__file__).name}"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("model", sorted(path.stem for path in MODELS_FOLDER.glob("*.toml")))
def test_coefficients_are_named_after_their_parameters(model, scheme):
    program = lower(load_model(model), 1e-4, scheme)
    coefficients = [coefficient.name for coefficient in program.coefficients]
    others = {*program.arrays, *program.noise}
    others |= {a.name for stage in program.stages for a in (*stage.sums, *stage.temporaries)}
    assert len(set(coefficients)) == len(coefficients) and not set(coefficients) & others
    for coefficient in program.coefficients:
        assert all(name in coefficient.name for name in names(coefficient.value)), coefficient


def test_names_of_a_model_give_way_to_those_of_the_kernel():
    tables = {
        "name": "names",
        "title": "Names that kernels use themselves",
        "citation": "none",
        "time_unit": "s",
        "equations": "pull = sum(at)\ndat/dt = -at*nodes + G*at*lambda_ + pull*size + load_wide*xi",
        "states": {"at": {"initial": 0.1}},
        "parameters": {
            name: {"default": 1.0, "bounds": [0, 2]}
            for name in ("nodes", "size", "load_wide", "G", "lambda_")
        },
        "noise": ["xi"],
        "bold_input": "at",
        "record": ["at"],
        "observation": "direct",
    }
    module = cpu.module(lower(model_from_tables(tables, "names"), 1e-3), None, TILE, "double")
    compile(module, "names", "exec")
    assert "nodes_" in module and "at_ = load_wide(states" in module


if __name__ == "__main__":
    for file, text in printed().items():
        (GOLDEN / file).write_text(text, encoding="utf-8")

"""The benchmark of the GPU runs from end to end, with a CPU in place of the card."""

import json
import os
import subprocess
import sys
import textwrap

import on_cpu
import pytest

from cubnm_core.backends.cuda import card, runtime

pytestmark = pytest.mark.skipif(on_cpu.missing() is not None, reason=str(on_cpu.missing()))


@pytest.fixture
def gpu(repository, monkeypatch, kernel_folder):
    """The script with cases that take no time."""
    monkeypatch.syspath_prepend(repository / "benchmarks")
    import gpu
    import gpu_checks

    device = on_cpu.CpuDevice(kernel_folder)
    monkeypatch.setattr(card, "current_card", lambda: device)
    monkeypatch.setattr(gpu, "MODELS", ("rWWEx",))
    monkeypatch.setattr(gpu, "BATCHES", (1, 3))
    monkeypatch.setattr(gpu, "NODES", ((10, 1), (11, 2)))
    monkeypatch.setattr(gpu, "PEER_CASES", ((100, 3, 1e-3, 1.0), (10, 1, 1e-3, 1.0)))
    short = {"duration": 2.0, "burn_in": 0.0, "dt": 5e-3, "window": 0.5, "window_step": 0.25}
    monkeypatch.setattr(gpu, "SCAN", {**gpu.SCAN, **short, "repetition_time": 0.25, "hemodynamic_dt": 5e-3})
    monkeypatch.setattr(gpu, "QUICK_SCANS", 2)
    monkeypatch.setattr(gpu, "_clock", lambda device: 2e9)
    monkeypatch.setattr(gpu, "peer_environment", lambda: dict(os.environ))
    case = gpu.make_case

    def short_case(*of, **sizes):
        arguments, keywords = case(*of, **sizes)
        return arguments, {**keywords, "duration": 0.75, "dt": 1e-3}

    monkeypatch.setattr(gpu, "make_case", short_case)
    throughput = gpu.throughput
    monkeypatch.setattr(gpu, "throughput", lambda *of: throughput(*of[:4], 1.0, 1e-3))
    monkeypatch.setattr(gpu, "WORKERS", 1)
    monkeypatch.setattr(gpu_checks.shutil, "which", lambda name: None)  # neither sanitizer nor profiler
    kinds = gpu_checks._kinds
    monkeypatch.setattr(gpu_checks, "_kinds", lambda *of: kinds(*of)[:2])
    return gpu


@pytest.fixture
def peer(tmp_path):
    """A Python whose cuBNM is quick with 100 nodes, and fails with others."""
    program = f"""\
        #!{sys.executable}
        import sys, numpy
        if len(numpy.load(sys.argv[2])) != 100:
            sys.exit("out of memory")
        print("Running ...")
        print('{{"rate": 0.5, "start": 2.0}}')
        """
    path = tmp_path / "python"
    path.write_text(textwrap.dedent(program))
    path.chmod(0o755)
    return path


@pytest.fixture
def measure(gpu, monkeypatch, tmp_path):
    """Run parts of the script; its exit status, what it wrote, and the page."""

    def run(*parts, peer="unused"):
        command = ["gpu.py", "--quick", "--output", str(tmp_path), "--cubnm-python", str(peer)]
        monkeypatch.setattr(sys, "argv", [*command, "--parts", *parts])
        status = gpu.main()
        written = tmp_path / "this-cpu.json"
        return status, json.loads(written.read_text()), written.with_suffix(".md").read_text()

    return run


def test_every_part_writes_what_it_measured(gpu, measure, peer, monkeypatch):
    candidates = gpu._candidates
    monkeypatch.setattr(gpu, "_candidates", lambda device, size: candidates(device, size, 2))
    monkeypatch.setattr(gpu, "CHOICE", (1,))
    status, result, page = measure(*gpu.PARTS, peer=peer)
    assert status == 0
    assert [row["agrees"] for row in result["correctness"]] == [True] * 4
    assert [row["agrees"] for row in result["every_form"]] == [True] * 4
    assert [row["found"] for row in result["sanitizers"]] == ["compute-sanitizer is not installed"] * 2
    assert result["counters"][0]["found"] == "ncu is not installed"
    assert all(row["device"] >= row["rate"] for row in result["batches"])
    assert [row["batch"] for row in result["batches"]] == [1, 3]
    assert [row["nodes"] for row in result["nodes"]] == [10, 11]
    assert all(row["rate"] > 0 and row["share"] > 0 for row in result["batches"] + result["nodes"])
    assert [row["memory"] for row in result["connectivity"]] == ["all", "4 GiB free"]
    assert all(min(row["without"], row["with"], row["scores"]) > 0 for row in result["connectivity"])
    assert result["cubnm"][0]["rate"] == 0.5 and "out of memory" in result["cubnm"][1]["failed"]
    assert [row["batch"] for row in result["choice"]] == [1, 1]
    assert "| 3 | " in page and f"{result['batches'][1]['rate'] / 0.5:,.3g}" in page.replace(",", "")
    assert page.count("Not measured.") == 0 and page.count("| not measured |") == 3


def test_a_case_that_fails_costs_no_other_and_is_told(measure, monkeypatch):
    run, asked = runtime.run, []

    def fails_at_first(*arguments, **keywords):
        asked.append(1)
        if len(asked) == 1:
            raise MemoryError("full")
        return run(*arguments, **keywords)

    monkeypatch.setattr("cubnm_core.backends.cuda.run", fails_at_first)
    status, result, page = measure("batches")
    assert status == 1
    assert result["batches"][0]["failed"] == "MemoryError: full" and result["batches"][1]["rate"] > 0
    assert "MemoryError: full" in page


def test_parts_measured_before_stay(measure):
    _, first, _ = measure("batches")
    _, both, page = measure("nodes")
    assert both["batches"] == first["batches"] and set(both["parts"]) == {"batches", "nodes"}
    assert page.count("Not measured.") == 7


def test_no_case_begins_after_the_limit(gpu, measure, monkeypatch):
    monkeypatch.setattr(gpu, "LIMIT", -1.0)
    status, result, page = measure("batches")
    assert status == 1 and all("not begun" in row["failed"] for row in result["batches"])
    assert "not begun" in page


def test_the_commands_take_every_part_once(gpu):
    named = [part for name, parts in gpu.COMMANDS.items() if name != "all" for part in parts]
    assert sorted(named) == sorted(gpu.PARTS)


def test_it_needs_none_of_the_packages_of_the_workflow(repository):
    code = """
    import sys
    for name in ("jsonschema", "pymoo", "cma", "nibabel", "snakemake"):
        sys.modules[name] = None
    sys.path[:0] = ["benchmarks", "."]
    import gpu
    settings = {"duration": 1.0, "repetition_time": 0.5, "burn_in": 0.0, "dt": 1e-2, "hemodynamic_dt": 1e-2}
    settings |= {"record": ("bold",), "backend": "reference"}
    gpu.cubnm_core.simulate("Hopf", gpu.connectome(4), {"G": [0.1]}, **settings)
    print("ran")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=repository
    )
    assert done.stdout.strip() == "ran", done.stderr


def test_the_share_of_the_limit_counts_steps(gpu):
    device = type("Card", (), {"multiprocessors": 132})
    one = gpu.share(device, 100, 1e5, 1e-4)
    assert one == pytest.approx(1e5 / (132 * 2e9 / (100 * 1.13)) * 1e4)
    assert gpu.share(device, 100, 1e6, 1e-3) == pytest.approx(one)

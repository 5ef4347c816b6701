"""Command: `cubnm_core`, one way in from folders of derivatives to the report."""

import subprocess
import sys
from pathlib import Path

import click

from cubnm_core import __version__
from cubnm_core.errors import InputError
from workflow_scripts.terminal import doctor as doctors

SNAKEFILE = Path(__file__).resolve().parents[1] / "Snakefile"
CONFIG = "my.yaml"
_HANDED_ON = {"ignore_unknown_options": True, "help_option_names": ["--help"]}


class _Group(click.Group):
    """Turns errors of ours into messages without a traceback, and shows commands in the order of use."""

    def invoke(self, context):
        try:
            return super().invoke(context)
        except InputError as error:
            raise click.ClickException(str(error)) from None
        except ModuleNotFoundError as error:
            if error.name.partition(".")[0] in ("cubnm_core", "workflow_scripts"):
                raise  # no library that only the workflow needs
            raise click.ClickException(doctors.tell_missing(error.name)) from None

    def list_commands(self, context):
        return list(self.commands)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cubnm_core")
def main():
    """Personalised brain network models of a cohort.

    From your derivatives to the report:

    \b
      cubnm_core init --derivatives derivatives/xcp_d derivatives/qsirecon
      cubnm_core check          what is wrong, before anything is computed
      cubnm_core plan           how many simulations and hours
      cubnm_core run            goes on where the last run ended
      cubnm_core status         who is fitted, who failed and why
    """


@main.command(context_settings={**_HANDED_ON, "help_option_names": []}, add_help_option=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def init(options):
    """Write tables and my.yaml from derivatives.

    Options are those of python -m workflow_scripts.index; cubnm_core init --help shows them.
    """
    from workflow_scripts.index.__main__ import main as index

    index(list(options))


def _with_config(command):
    """Add the option that names the configuration."""
    return click.option(
        "--config",
        type=click.Path(dir_okay=False),
        help=f"Configuration (default: {CONFIG} here).",
    )(command)


@main.command()
@_with_config
def check(config):
    """Check settings, tables and files.

    Nothing is computed."""
    done = _snakemake(config, ["--dry-run", "--quiet", "all"], capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(_message_of(done.stdout + done.stderr))
    notes = [line for line in done.stderr.splitlines() if line.startswith("Note: ")]
    click.echo("\n".join([*notes, "Configuration, tables and files can be used. Next: cubnm_core plan"]))


@main.command()
@_with_config
def plan(config):
    """Count simulations and hours.

    Nothing is computed."""
    sys.exit(_snakemake(config, ["plan", "--cores", "1", "--quiet", "all"]).returncode)


@main.command(context_settings=_HANDED_ON)
@_with_config
@click.option("--cores", default="all", show_default=True, help="Cores of this machine.")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def run(config, cores, options):
    """Run, or go on where the last run ended.

    Whatever follows is handed on to snakemake, targets first:

    \b
      cubnm_core run prepare
      cubnm_core run --cores 8 --keep-going
      cubnm_core run --workflow-profile profiles/slurm
    """
    sys.exit(_snakemake(config, ["--cores", cores, *options]).returncode)


@main.command()
@click.argument("results", default="results", type=click.Path(file_okay=False))
@click.option(
    "--histories", type=click.Path(file_okay=False), help="Folder of histories, if not in the results."
)
def status(results, histories):
    """Who is fitted, who failed and why."""
    from workflow_scripts.terminal import status as states

    click.echo("\n".join(states.describe(results, histories)))


@main.command()
@click.argument("results", default="results", type=click.Path(file_okay=False))
@click.option("--open", "opens", is_flag=True, help="Show it in the browser.")
def report(results, opens):
    """Say where the report is."""
    path = Path(results) / "report" / "index.html"
    if not path.is_file():
        raise InputError(f"{path} is not there yet; cubnm_core run makes it")
    click.echo(str(path.resolve()))
    if opens:
        click.launch(str(path.resolve()))


@main.command()
@click.argument("results", type=click.Path(exists=True, file_okay=False))
@click.argument("unit")
@click.argument("fit")
@click.option("--seed", default=0, show_default=True, help="Of the noise.")
@click.option("--output", type=click.Path(dir_okay=False), help="npz file (default: UNIT_FIT_seed-SEED.npz).")
def simulate(results, unit, fit, seed, output):
    """Simulate a fitted person again.

    \b
      cubnm_core simulate results sub-01 homogeneous --seed 5
    """
    from workflow_scripts import simulate_person

    more = ["--output", output] if output else []
    simulate_person.main([results, unit, fit, "--seed", str(seed), *more])


@main.command()
@click.argument("results", type=click.Path(exists=True, file_okay=False))
@click.argument("unit")
@click.argument("fit")
@click.option(
    "--node", "nodes", multiple=True, help="Label of a region that loses its connections; may be repeated."
)
@click.option(
    "--edge", "edges", multiple=True, nargs=2, help="Two labels: a connection that is lost; may be repeated."
)
@click.option("--share", default=1.0, show_default=True, help="Of the weights that is lost.")
@click.option("--seeds", default=5, show_default=True, help="Noise seeds, the same before and after.")
@click.option("--output", type=click.Path(dir_okay=False), help="npz file with FC before and after.")
def lesion(results, unit, fit, nodes, edges, share, seeds, output):
    """Simulate a person with a lesion.

    Before and after, under the same noise:

    \b
      cubnm_core lesion results sub-01 homogeneous --node LH_Vis_1
      cubnm_core lesion results sub-01 homogeneous --edge LH_Vis_1 RH_Vis_1 --share 0.5
    """
    from workflow_scripts.files import job
    from workflow_scripts.terminal import lesions

    found = lesions.simulate_lesion(results, unit, fit, nodes, edges, share, seeds)
    click.echo("\n".join(lesions.describe(found, nodes)))
    if output:
        job.write_npz(output, **found)
        click.echo(f"{output}: before, after (seeds, regions, regions), labels")


@main.command()
def doctor():
    """What this machine can do, for an issue."""
    click.echo("\n".join(doctors.page()))


def _snakemake(config, options, **more):
    """Run Snakemake with a configuration, in this folder."""
    doctors.require_workflow()
    config = Path(config or CONFIG)
    if not config.is_file():
        raise InputError(
            f"{config} is not there: cubnm_core init writes {CONFIG} from derivatives, --config names another"
        )
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), *options]
    return subprocess.run([*command, "--configfile", str(config)], check=False, **more)


def _message_of(text):
    """What Snakemake says of an error, without its own frame."""
    lines = [line for line in text.splitlines() if line.strip()]
    starts = [place for place, line in enumerate(lines) if "InputError" in line or "Error in file" in line]
    return "\n".join(lines[starts[-1] :] if starts else lines)


if __name__ == "__main__":
    main()

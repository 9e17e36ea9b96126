"""`crampwatch init-stack`: the secrets that docker-compose.yml needs."""

from pathlib import Path

import click
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["init_stack"]


def _bedside(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = []
    for text in texts:
        name, equals, sensors = text.partition("=")
        if not equals or not all(sensors.split(",")):
            raise click.BadParameter(f"{text!r} is not NAME=SENSOR[,SENSOR...].")
        found.append((name, tuple(sensors.split(","))))
    return tuple(found)


@click.command(name="init-stack", short_help="Make, or renew, the secrets of docker-compose.yml.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="FOLDER",
    help="That of docker-compose.yml; here where not given.",
)
@click.option(
    "--profile",
    type=click.Choice(("full", "server", "collector", "demo")),
    default="full",
    show_default=True,
    help="What `docker compose up` starts.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help="Name or address by which other machines reach the broker; goes into its certificate.",
)
@click.option(
    "--bedside",
    callback=_bedside,
    multiple=True,
    metavar="NAME=SENSOR,...",
    help="Login for a collector elsewhere, for these sensors only.",
)
@click.option("--rotate", is_flag=True, help="Give the broker's users and the page new secrets.")
@click.option(
    "--databases", is_flag=True, help="With --rotate: renew those of InfluxDB and Grafana, which have to run."
)
@click.option("--influxdb", default="http://127.0.0.1:8086", show_default=True, metavar="URL", help="For --databases.")
@click.option("--grafana", default="http://127.0.0.1:3000", show_default=True, metavar="URL", help="For --databases.")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
def init_stack(
    *,
    folder: Path,
    profile: str,
    names: tuple[str, ...],
    bedside: tuple[tuple[str, tuple[str, ...]], ...],
    rotate: bool,
    databases: bool,
    influxdb: str,
    grafana: str,
    debug: bool,  # noqa: ARG001 - main reads it
) -> None:
    r"""Make the secrets of the services in docker-compose.yml, each a file that only you may read.

    What is there stays as it is. --rotate gives the broker's users and the page new secrets; with --databases also
    InfluxDB and Grafana, which keep theirs themselves. Start the services again then. No password has a default, and
    none is shown.

    \b
    Examples:
      crampwatch init-stack
      crampwatch init-stack --profile server --name broker.lan --bedside pi=CW-1A2B
      crampwatch init-stack --rotate
      crampwatch init-stack --rotate --databases
    """
    from crampwatch.app.stack.secrets import Stack, StackWishes

    stack = Stack(folder)
    if rotate:
        if names or bedside:
            raise ConfigurationError("--rotate renews what is there; it adds nothing.", advice="Run it by itself.")
        changed = stack.rotate_databases(influxdb, grafana) if databases else []
        changed += stack.rotate()
        click.echo(
            f"{len(changed)} files in {folder / 'secrets'} have new secrets. Now: docker compose up -d --force-recreate"
        )
        return
    if databases:
        raise ConfigurationError("--databases is for --rotate.", advice="Give both, while the services run.")
    made = stack.create(StackWishes(profile, names, bedside))
    for path in made:
        click.echo(f"made {path}")
    click.echo("Now: docker compose up -d" if made else "Everything was there; nothing was changed.")

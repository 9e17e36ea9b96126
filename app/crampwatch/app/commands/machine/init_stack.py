"""`crampwatch init-stack`: the secrets that docker-compose.yml needs."""

from pathlib import Path

import click
from crampwatch.protocol.errors import ConfigurationError

__all__ = ["init_stack"]


def _parse_bedside(
    _context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    logins = []
    for text in texts:
        name, equals, sensors = text.partition("=")
        if not equals or not all(sensors.split(",")):
            raise click.BadParameter(f"{text!r} is not NAME=SENSOR[,SENSOR...].")
        logins.append((name, tuple(sensors.split(","))))
    return tuple(logins)


@click.command(name="init-stack", short_help="Create or renew the secrets for docker-compose.yml.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="FOLDER",
    help="Folder of docker-compose.yml  [default: the current one]",
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
    help="Host name or address by which other machines reach the broker, for its certificate.",
)
@click.option(
    "--bedside",
    callback=_parse_bedside,
    multiple=True,
    metavar="NAME=SENSOR,...",
    help="Create a login for a collector on another machine, for these sensors only.",
)
@click.option("--rotate", is_flag=True, help="Renew the secrets of the broker's users and the page.")
@click.option(
    "--databases", is_flag=True, help="With --rotate: renew those of InfluxDB and Grafana too, which must be running."
)
@click.option(
    "--influxdb", default="http://127.0.0.1:8086", show_default=True, metavar="URL", help="InfluxDB for --databases."
)
@click.option(
    "--grafana", default="http://127.0.0.1:3000", show_default=True, metavar="URL", help="Grafana for --databases."
)
@click.option("--debug", is_flag=True, help="Show the traceback of unexpected errors.")
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
    r"""Create the secrets of the services in docker-compose.yml, each in a file that only you can read.

    Existing secrets are not changed. --rotate renews those of the broker's users and the page; with --databases also
    those of InfluxDB and Grafana, which store their own. Restart the services afterwards. There are no default
    passwords, and none is printed.

    \b
    Examples:
      crampwatch init-stack
      crampwatch init-stack --profile server --name broker.lan --bedside pi=CW-1A2B
      crampwatch init-stack --rotate
      crampwatch init-stack --rotate --databases
    """
    from crampwatch.app.stack.secrets import Stack, StackOptions

    stack = Stack(folder)
    if rotate:
        if names or bedside:
            raise ConfigurationError(
                "--rotate renews existing secrets and cannot add --name or --bedside.",
                advice="Run the two commands one after the other.",
            )
        changed = stack.rotate_databases(influxdb, grafana) if databases else []
        changed += stack.rotate()
        click.echo(f"{len(changed)} files in {folder / 'secrets'} renewed. Next: docker compose up -d --force-recreate")
        return
    if databases:
        raise ConfigurationError("--databases needs --rotate.", advice="Give both, while the services are running.")
    created = stack.create(StackOptions(profile, names, bedside))
    for path in created:
        click.echo(f"created {path}")
    click.echo("Next: docker compose up -d" if created else "All secrets exist already; nothing was changed.")

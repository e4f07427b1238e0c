# SPDX-License-Identifier: Apache-2.0
"""The verbs of ``teleport``."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from proctor.cli.application import application, group
from proctor.cli.entrypoint import fail
from proctor.cli.options import bundled
from proctor.cli.output import Format, emit, note
from proctor.cli.teleport import configure as files
from proctor.cli.teleport import session, systemd
from proctor.core.errors import EXIT_FAILURE, ConfigError, ProctorError
from proctor.core.version import banner, version_data

As = Annotated[Format, Option("--format", help="text, json or yaml.")]

app = application("teleport", "Runs the services of this host: auth, proxy, node.")
node = group("Hosts that only run SSH sessions.")
install = group("Integration with the system.")
app.add_typer(node, name="node")
app.add_typer(install, name="install")
debug = group("How this host does what it promises.")
app.add_typer(debug, name="debug")


@dataclass(frozen=True, kw_only=True)
class StartOptions:
    """Flags of ``teleport start`` that lie over the configuration file; empty means not given."""

    config: Annotated[str, Option("-c", "--config", help="Configuration file [/etc/teleport.yaml].")] = ""
    config_string: Annotated[str, Option(help="Configuration, base64, instead of a file.")] = ""
    roles: Annotated[str, Option("-r", "--roles", help="Services to run: auth,proxy,node.")] = ""
    token: Annotated[str, Option(help="Join token, or the path of a file with it.")] = ""
    ca_pin: Annotated[list[str] | None, Option(help="Pin of the cluster's CA; may be repeated.")] = None
    auth_server: Annotated[str, Option(help="Address of the auth service.")] = ""
    nodename: Annotated[str, Option(help="Name of this host.")] = ""
    labels: Annotated[str, Option(help="Labels of this node: key=value,key=value.")] = ""
    listen_ip: Annotated[str, Option("-l", "--listen-ip", help="Address to listen on.")] = ""
    advertise_ip: Annotated[str, Option(help="Address to announce.")] = ""
    pid_file: Annotated[str, Option(help="Where to write the process id.")] = ""
    diag_addr: Annotated[str, Option(help="Serve /healthz, /readyz and /metrics here.")] = ""
    permit_user_env: Annotated[bool, Option("--permit-user-env", help="Read ~/.tsh/environment.")] = False
    enhanced_recording: Annotated[
        bool, Option("--enhanced-recording", help="Record commands, files and connections of sessions.")
    ] = False
    skip_version_check: Annotated[
        bool, Option("--skip-version-check", help="Work with an older auth service.")
    ] = False
    debug: Annotated[bool, Option("-d", "--debug", help="Log in detail.")] = False


@dataclass(frozen=True, kw_only=True)
class IgnoredStartOptions:
    """Flags of ``teleport start`` that are known and mean nothing here, or cannot be honoured."""

    insecure: Annotated[bool, Option("--insecure", help="No effect: joining is verified by pins.")] = False
    bootstrap: Annotated[str, Option(help="Not supported.")] = ""
    apply_on_startup: Annotated[str, Option(help="Not supported.")] = ""
    insecure_no_tls: Annotated[bool, Option("--insecure-no-tls", help="Not supported.")] = False
    fips: Annotated[bool, Option("--fips", help="Not supported.")] = False

    def check(self) -> None:
        """Raises ConfigError for what would be promised and not kept."""
        for name, value in asdict(self).items():
            if value and name != "insecure":
                raise ConfigError(f"--{name.replace('_', '-')} is not supported")
        if self.insecure:
            note("WARNING: --insecure has no effect: auth is verified by the cluster's CA on every way")


@app.command()
@bundled
def start(options: StartOptions, foreign: IgnoredStartOptions) -> None:
    """Start the services and keep them running."""
    from proctor.cli.teleport.start import start as run
    from proctor.runtime.plan import Flags

    foreign.check()
    run(Flags(**asdict(options) | {"ca_pin": tuple(options.ca_pin or ())}))


Output = Annotated[str, Option("-o", "--output", help="stdout, file (/etc/teleport.yaml) or a path.")]


@app.command()
@bundled
def configure(
    joining: files.JoinOptions,
    services: files.Services,
    output: Output = "stdout",
    test: Annotated[str, Option(help="Check this file and write nothing.")] = "",
) -> int:
    """Write a configuration file, or check one with --test."""
    if test:
        return _test(Path(test))
    files.write(files.render(joining, services), output)
    return 0


def _test(path: Path) -> int:
    """Say all that ``teleport start`` would refuse, and what of it is due to this host."""
    from proctor.runtime import preflight
    from proctor.runtime.plan import Flags, draft

    try:
        plan = draft(Flags(config=str(path)))
        preflight.refuse(list(preflight.problems(plan)))
    except ProctorError as error:
        fail(error)
        note(f"FAIL {path}")
        return EXIT_FAILURE
    for warning in (*plan.warnings, *(problem.message for problem in preflight.of_this_host(plan))):
        note(f"WARNING: {warning}")
    note(f"OK {path}")
    return 0


@node.command("configure")
@bundled
def node_configure(
    joining: files.JoinOptions,
    output: Output = "stdout",
    labels: Annotated[str, Option(help="Labels of this node: key=value,key=value.")] = "",
    enhanced_recording: files.Recording = True,
) -> None:
    """Write the configuration file of a host that only runs SSH sessions."""
    if not joining.auth_server and not joining.proxy:
        raise ConfigError("give one of --auth-server and --proxy")
    services = files.Services(roles="node", node_labels=labels, enhanced_recording=enhanced_recording)
    files.write(files.render(joining, services, "--labels"), output)


@app.command()
def status(output: As = Format.TEXT) -> int:
    """Say in which recorded session this shell runs; exit status 1 outside of one."""
    found = session.about(os.environ)
    emit(output, found, session.text(found))
    return 0 if found else EXIT_FAILURE


@app.command()
def version(output: As = Format.TEXT) -> None:
    """Print the version."""
    emit(output, version_data(), banner())


Config = Annotated[str, Option("-c", "--config", help="Configuration file [/etc/teleport.yaml].")]


@debug.command("capture")
def debug_capture(
    config: Config = "",
    output: As = Format.TEXT,
) -> int:
    """Say what is recorded of sessions on this kernel, and try it; exit status 1 when something is not."""
    from proctor.cli.teleport.debug import configuration, describe, examine
    from proctor.model.serde import to_builtins

    findings = examine(configuration(config))
    emit(output, {"ok": findings.ok, **to_builtins(findings)}, describe(findings))
    return 0 if findings.ok else EXIT_FAILURE


@debug.command("get-log-level")
def get_log_level(config: Config = "", output: As = Format.TEXT) -> None:
    """Print the log level of the teleport that runs here (root, or its account)."""
    from proctor.cli.teleport import debug_client

    level = str(debug_client.ask(config, "get-log-level")["level"])
    emit(output, {"level": level}, level)


@debug.command("set-log-level")
def set_log_level(
    level: Annotated[str, Argument(metavar="LEVEL", help="debug, info, warn or error.")],
    config: Config = "",
    output: As = Format.TEXT,
) -> None:
    """Change the log level until teleport is started again (root, or its account)."""
    from proctor.cli.teleport import debug_client

    debug_client.check_level(level)
    answer = debug_client.ask(config, "set-log-level", level=level)
    debug_client.warn_of(answer["failed"], "logs as before until it is started again")
    found = {key: answer[key] for key in ("former", "level", "failed")}
    emit(output, found, debug_client.level_text(answer))


@debug.command("profile")
def profile(
    services: Annotated[
        list[str] | None, Argument(metavar="[SERVICE...]", help="Services, supervisor [all].")
    ] = None,
    seconds: Annotated[int, Option("-s", "--seconds", help="How long to measure.", min=1, max=600)] = 20,
    output: Annotated[str, Option("-o", "--output", help="stdout or the path of a file.")] = "stdout",
    config: Config = "",
) -> None:
    """Write CPU profiles (.tar.gz, files for python -m pstats) of what runs here (root, or its account)."""
    from proctor.cli.teleport import debug_client

    debug_client.refuse_terminal(output)
    answer = debug_client.ask(
        config, "profile", seconds=seconds, duration=seconds, services=list(services or [])
    )
    debug_client.warn_of(answer["failed"], "has no profile")
    debug_client.write(debug_client.archive(answer["profiles"]), output)


@install.command("systemd")
def install_systemd(
    output: Annotated[str, Option("-o", "--output", help="stdout or the path of the unit.")] = "stdout",
    env_file: Annotated[str, Option(help="File of environment variables.")] = "/etc/default/teleport",
    pid_file: Annotated[str, Option(help="File with the process id.")] = "/run/teleport.pid",
    fd_limit: Annotated[int, Option(help="Limit of open files.", min=1024)] = 524288,
    teleport_path: Annotated[str, Option(help="The command [this one].")] = "",
) -> None:
    """Write a systemd unit that starts teleport with the host."""
    command = teleport_path or str(Path(sys.argv[0]).resolve())
    systemd.write(systemd.unit(command, env_file=env_file, pid_file=pid_file, fd_limit=fd_limit), output)

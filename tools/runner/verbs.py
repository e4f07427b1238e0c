# SPDX-License-Identifier: Apache-2.0
"""The verbs of ``./run``, and what happens when one is typed."""

from __future__ import annotations

import difflib
import inspect
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.runner import checks, debian, kernel, locks, suites
from tools.runner.console import RunError, say, step
from tools.runner.paths import BIN, BUILD, LOGS, PYTHON, ROOT, VENV, WEB
from tools.runner.setup import node_environment, prepare


@dataclass(frozen=True)
class Verb:
    """One thing that ``./run`` can do."""

    name: str
    summary: str
    run: Callable[[Sequence[str]], int]

    @property
    def takes_arguments(self) -> bool:
        """Whether its function looks at them: the parameter of others begins with an underscore."""
        return next(iter(inspect.signature(self.run).parameters)) == "arguments"


def _become(*argv: str | Path) -> int:
    """Go on as another program, so that Ctrl-C and the exit status are its own."""
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(argv[0], [str(part) for part in argv])


def _demo(arguments: Sequence[str]) -> int:
    if reason := kernel.obstacle():
        raise RunError(
            f"sessions cannot be recorded here: {reason}. Commands, connections and opened files would stay "
            "unseen. Needed are root, kernel 5.8 or newer, and /sys/kernel/btf/vmlinux."
        )
    prepare()
    return _become(PYTHON, "-m", "tools.demo", *arguments)


def _test(arguments: Sequence[str]) -> int:
    prepare(packages=debian.test_packages())
    return suites.run(arguments)


def _vmtest(arguments: Sequence[str]) -> int:
    prepare(packages=(*debian.TEST_PACKAGES, *debian.GUEST_PACKAGES))
    return _become(PYTHON, "-m", "tools.vm", *arguments)


def _complexity(_arguments: Sequence[str]) -> int:
    prepare()
    return _become(PYTHON, "-m", "tools.complexity")


def _fuzz(arguments: Sequence[str]) -> int:
    prepare(packages=debian.FUZZ_PACKAGES)
    return _become(PYTHON, "-m", "tools.fuzz", *arguments)


def _mutants(arguments: Sequence[str]) -> int:
    prepare(packages=debian.TEST_PACKAGES)
    return _become(PYTHON, "-m", "tools.mutation", *arguments)


def _figures(arguments: Sequence[str]) -> int:
    prepare()
    return _become(PYTHON, "-m", "tools.figures", *arguments)


def _lint(_arguments: Sequence[str]) -> int:
    prepare()
    return checks.run()


def _bench(arguments: Sequence[str]) -> int:
    prepare(packages=debian.TEST_PACKAGES)
    return _become("/usr/bin/unshare", "--mount", PYTHON, "-m", "bench", "--bare-shell", *arguments)


def _evasion(arguments: Sequence[str]) -> int:
    prepare(packages=debian.EVASION_PACKAGES)
    return _become("/usr/bin/unshare", "--mount", PYTHON, "-m", "tools.evasion", *arguments)


def _build(_arguments: Sequence[str]) -> int:
    prepare()
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    step("wheel", [PYTHON, "-m", "build", "--wheel", "--no-isolation", "--outdir", ROOT / "dist"])
    for wheel in (ROOT / "dist").glob("*.whl"):
        say(f"  {wheel.relative_to(ROOT)}  {wheel.stat().st_size / 1e6:.1f} MB")
    return 0


def _setup(_arguments: Sequence[str]) -> int:
    prepare(packages=debian.test_packages())
    return 0


def _format(_arguments: Sequence[str]) -> int:
    prepare()
    step("import order", [BIN / "ruff", "check", "--select", "I", "--fix", "."])
    step("format", [BIN / "ruff", "format", "."])
    step("format of C", [BIN / "clang-format", "-i", *checks.c_sources()])
    return 0


def _generate(_arguments: Sequence[str]) -> int:
    """Write all that is generated: first what other generators import."""
    prepare()
    step("events", [PYTHON, "-m", "tools.generate"])
    step("code of the RPC contract", [PYTHON, "-m", "tools.gen_proto"])
    step("schema of the web API", [PYTHON, "-m", "tools.gen_web_api"])
    step("types of the web page", [BIN / "npm", "run", "api"], cwd=WEB, env=node_environment())
    return 0


def _lock(_arguments: Sequence[str]) -> int:
    prepare()
    locks.write()
    return 0


def _clean(_arguments: Sequence[str]) -> int:
    generated = [
        "dist",
        "web/node_modules",
        "src/proctor/capture/_obj",
        "src/proctor/proxy/_web",
        "bpf/.output",
    ]
    for path in (VENV, BUILD, LOGS, *(ROOT / name for name in generated)):
        shutil.rmtree(path, ignore_errors=True)
    for path in (ROOT / "src/proctor").rglob("*.so"):
        path.unlink()
    return 0


VERBS = (
    Verb(
        "demo",
        "a cluster, a recorded session, and what the kernel saw of it (--once, --data-dir, --json)",
        _demo,
    ),
    Verb("test", "lint, then all tests; with arguments: pytest with those arguments", _test),
    Verb(
        "vmtest",
        "kernel tests under other kernels, in guests (--kernel, --all, -- pytest arguments)",
        _vmtest,
    ),
    Verb("complexity", "write down how much work the verifier has with each kernel program", _complexity),
    Verb("fuzz", "the formatter of records under sanitizers (--minutes N)", _fuzz),
    Verb("mutants", "how many changes of the code that decides the unit tests notice (--sample)", _mutants),
    Verb("figures", "sizes, names, types and tests of the code in numbers (--before, --json)", _figures),
    Verb("lint", "ruff, mypy, import borders, size limits, vocabulary", _lint),
    Verb("bench", "login, events per second, cost of capture, each against peers", _bench),
    Verb("evasion", "what Proctor and other tools see of each technique (--tool, --only, --page)", _evasion),
    Verb("build", "the wheel, in dist/", _build),
    Verb("setup", "only what the other verbs do first: packages, .venv, BPF objects, web bundle", _setup),
    Verb("format", "sort imports and format the Python code", _format),
    Verb("generate", "write all code and tables made from schema/, proto/ and the web API", _generate),
    Verb("lock", "pin newest allowed versions of the Python packages in the lock files", _lock),
    Verb("clean", "remove everything that was installed or built in the checkout", _clean),
)


def usage() -> str:
    """The list of verbs."""
    rows = "\n".join(f"  ./run {verb.name:<10} {verb.summary}" for verb in VERBS)
    return f"usage: ./run VERB [arguments]\n\n{rows}"


def main(arguments: Sequence[str]) -> int:
    """Run the verb named by the first argument; the exit status of ``./run``."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        say(usage())
        return 0
    name, *rest = arguments
    for verb in VERBS:
        if verb.name == name:
            return _guarded(verb, rest)
    close = difflib.get_close_matches(name, [verb.name for verb in VERBS], n=1)
    say(f"./run: unknown verb {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    say(usage())
    return 2


def _guarded(verb: Verb, arguments: Sequence[str]) -> int:
    if arguments and not verb.takes_arguments:
        print(f"./run {verb.name} takes no arguments; what is {arguments[0]}?", file=sys.stderr)
        return 2
    try:
        return verb.run(arguments)
    except RunError as error:
        print(f"\n./run {verb.name}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"\n./run {verb.name}: {error.filename or 'system'}: {error.strerror or error}", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        return 130

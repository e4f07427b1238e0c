# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path

import pytest

from proctor.config.load import parse
from proctor.core.errors import ConfigError
from proctor.runtime import layout
from proctor.runtime.keypairs import adopted
from proctor.runtime.privileges.service_users import service_user

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

CONFIG = """\
teleport: {{data_dir: {0}/data}}
proxy_service: {{https_keypairs: [{{key_file: {0}/key, cert_file: {0}/cert}}]}}
"""


def test_the_proxy_alone_reads_the_copies(tmp_path: Path) -> None:
    layout.prepare(tmp_path / "data")
    (tmp_path / "key").write_text("K")
    (tmp_path / "cert").write_text("C")
    for _ in range(2):
        config = adopted(parse(CONFIG.format(tmp_path), "f").config)
    (pair,) = config.proxy_service.https_keypairs
    assert (Path(pair.key_file).read_text(), Path(pair.cert_file).read_text()) == ("K", "C")
    status = Path(pair.key_file).stat()
    assert (status.st_uid, status.st_mode & 0o777) == (service_user("proxy").uid, 0o600)
    assert Path(pair.key_file).parent == tmp_path / "data/proc/proxy"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    layout.prepare(tmp_path / "data")
    with pytest.raises(ConfigError, match=f"https_keypairs: {tmp_path}/key: No such file"):
        adopted(parse(CONFIG.format(tmp_path), "f").config)


def test_without_pairs_nothing_changes() -> None:
    config = parse("", "f").config
    assert adopted(config) is config

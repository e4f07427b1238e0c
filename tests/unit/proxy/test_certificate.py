# SPDX-License-Identifier: Apache-2.0
import ssl
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography import x509

from proctor.config.boot import ServiceBoot
from proctor.config.load import parse
from proctor.core.clock import FakeClock
from proctor.core.durable import replace_file
from proctor.core.errors import ConfigError
from proctor.proxy.certificate import LIFETIME, Pair, own_names, self_signed, server_context
from proctor.rpc import tls


def boot(directory: Path, more: str = "") -> ServiceBoot:
    text = f"version: v3\nteleport:\n  data_dir: {directory}\nproxy_service:\n  enabled: yes\n{more}"
    (directory / "proc/proxy").mkdir(parents=True, exist_ok=True)
    return ServiceBoot(
        service="proxy",
        config=parse(text, "x").config,
        host_uuid=str(uuid4()),
        run_id=str(uuid4()),
        uid=-1,
        gid=-1,
        node_uid=-1,
        auth_address="127.0.0.1:1",
        node_name="gate",
    )


def presented(context: ssl.SSLContext, name: str | None) -> x509.Certificate:
    """What a client that asks for ``name`` is shown."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(down, up, server_hostname=name)
    server = context.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    der = client.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def names(certificate: x509.Certificate) -> set[str]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in extension}


def test_own_certificate_is_for_all_names_of_the_host(tmp_path: Path) -> None:
    public = "  public_addr: [proxy.example.com:443, 192.0.2.7:3080]\n"
    certificate = presented(server_context(boot(tmp_path, public), FakeClock()), None)

    wanted = {"proxy.example.com", "192.0.2.7", "gate", "localhost", "127.0.0.1", "::1"}
    assert wanted <= names(certificate)
    assert own_names(boot(tmp_path, public))[0] == "proxy.example.com"


def test_own_certificate_is_kept_until_it_is_old_or_lacks_a_name(tmp_path: Path) -> None:
    clock = FakeClock()

    def serial(more: str = "") -> int:
        return presented(server_context(boot(tmp_path, more), clock), None).serial_number

    first = serial()
    assert serial() == first
    renamed = serial("  public_addr: new.example.com:443\n")
    assert renamed != first
    clock.advance(LIFETIME.total_seconds() - 20 * 86400)
    assert serial("  public_addr: new.example.com:443\n") != renamed


def test_a_damaged_certificate_is_replaced(tmp_path: Path) -> None:
    server_context(boot(tmp_path), FakeClock())
    (tmp_path / "proc/proxy/web.crt").write_bytes(b"rubbish")

    assert "localhost" in names(presented(server_context(boot(tmp_path), FakeClock()), None))


def pair(directory: Path, *hosts: str) -> str:
    key = tls.generate_key()
    file = directory / hosts[0].strip("*.")
    replace_file(file.with_suffix(".key"), key)
    replace_file(file.with_suffix(".crt"), self_signed(key, hosts, FakeClock().now()))
    return f"    - key_file: {file.with_suffix('.key')}\n      cert_file: {file.with_suffix('.crt')}\n"


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("one.example", "one.example"),
        ("TWO.example", "two.example"),
        ("www.three.example", "*.three.example"),
        ("a.b.three.example", "one.example"),
        ("three.example", "one.example"),
        (None, "one.example"),
    ],
)
def test_the_configured_certificate_for_the_name_asked_for(
    tmp_path: Path, asked: str | None, shown: str
) -> None:
    pairs = [pair(tmp_path, host) for host in ("one.example", "two.example", "*.three.example")]
    context = server_context(boot(tmp_path, "  https_keypairs:\n" + "".join(pairs)), FakeClock())

    assert names(presented(context, asked)) == {shown}
    assert not (tmp_path / "proc/proxy/web.crt").exists()


def test_a_pair_that_does_not_fit_is_an_error_that_names_the_files(tmp_path: Path) -> None:
    pair(tmp_path, "one.example")
    pair(tmp_path, "two.example")

    with pytest.raises(ConfigError, match=r"https_keypairs: .*one\.crt with .*two\.key"):
        Pair.read(tmp_path / "two.key", tmp_path / "one.crt")
    with pytest.raises(ConfigError, match="No such file"):
        Pair.read(tmp_path / "missing.key", tmp_path / "one.crt")


def test_tls_before_1_2_is_off(tmp_path: Path) -> None:
    assert server_context(boot(tmp_path), FakeClock()).minimum_version is ssl.TLSVersion.TLSv1_2

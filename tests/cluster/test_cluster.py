"""The parts of the test cluster that decide and render, without a cluster."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster import (
    api,
    cgroups,
    checkout,
    commands,
    configs,
    images,
    manifests,
    mounts,
    network,
    pause,
    pki,
    processes,
    programs,
    progress,
    ways,
)
from tests.cluster.errors import ClusterError, Missing
from tests.cluster.layout import Layout

LAYOUT = Layout(state=Path("/state"), run=Path("/run/cluster"))


@pytest.mark.parametrize(
    ("requested", "kind_works", "name"),
    [("", True, "kind"), ("", False, "bare"), ("bare", True, "bare"), ("kind", False, "kind")],
)
def test_kind_is_taken_where_it_works_unless_told_otherwise(
    requested: str, kind_works: bool, name: str
) -> None:
    assert ways.choose_name(requested, kind_works) == name


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ClusterError, match="none of kind, bare"):
        ways.choose_name("minikube", kind_works=True)


def test_a_program_is_built_again_when_what_it_is_made_of_changes() -> None:
    key = programs.compute_key({"go.sum": b"a"}, ["go1.26.8", "-s"])
    assert key == programs.compute_key({"go.sum": b"a"}, ["go1.26.8", "-s"])
    others = [
        programs.compute_key({"go.sum": b"b"}, ["go1.26.8", "-s"]),
        programs.compute_key({"go.sum": b"a"}, ["go1.26.9", "-s"]),
        programs.compute_key({"go.sum": b"a"}, ["go1.26.8", "-w"]),
        programs.compute_key({"go.sum": b"a", "main.go": b""}, ["go1.26.8", "-s"]),
    ]
    assert len({key, *others}) == 5


def test_every_program_has_its_module() -> None:
    for program in programs.PROGRAMS.values():
        assert (program.source / "go.mod").is_file()
        assert (program.source / "go.sum").is_file()


def test_a_build_gives_way_to_other_work_and_names_its_target() -> None:
    command = programs.render_command(programs.PROGRAMS["helm"], Path("/cache/helm"))
    assert command[:5] == ["nice", "-n", "10", "go", "build"]
    assert command[-2:] == ["/cache/helm", "helm.sh/helm/v3/cmd/helm"]


def test_kubernetes_is_told_the_version_that_its_module_pins() -> None:
    flags = programs.render_version_flags("require (\n\tk8s.io/kubernetes v1.34.4\n)\n")
    assert "k8s.io/component-base/version.gitVersion=v1.34.4" in flags
    assert programs.render_version_flags("module other\n") == []


def test_an_unknown_program_is_refused() -> None:
    with pytest.raises(Missing, match="no such program: minikube"):
        programs.ensure(["minikube"])


def test_versions_of_go_compare_as_numbers() -> None:
    assert programs.parse_version("go1.9") < programs.parse_version("1.26.0")
    assert programs.parse_version("go1.26.8 X:nodwarf5") == (1, 26, 8)
    assert programs.parse_needed_version("module a\n\ngo 1.26.0\n") == "1.26.0"


def test_a_process_is_known_by_its_start_whatever_it_is_called() -> None:
    fields = " ".join(["S", *map(str, range(4, 22)), "4711", "0"])
    assert processes.parse_stat(f"12 (a) b (c)) {fields}") == ("S", 4711)


def test_a_recycled_process_number_is_not_taken_for_ours() -> None:
    ours = processes.Record("self", pid=1, start=-1, boot=processes.read_boot())
    assert not processes.is_alive(ours)


def test_only_mounts_below_our_folders_are_found() -> None:
    lines = [
        "1 0 8:1 / / rw",
        "2 1 0:4 / /state/a rw",
        "3 1 0:4 / /state-of-another rw",
        "4 1 0:4 / /state rw",
    ]
    assert mounts.parse_mounts("\n".join(lines), ["/state"]) == ["/state/a", "/state"]


def test_the_node_never_changes_the_settings_of_the_hosts_kernel() -> None:
    script = mounts.render_script(LAYOUT, Path("/run/cluster/ready"))
    assert "mount --bind /state/hidden/vm-overcommit_memory /proc/sys/vm/overcommit_memory" in script
    assert script.endswith("exec sleep infinity\n")


def test_the_namespace_has_no_way_out_of_the_machine() -> None:
    lines = [" ".join(command) for command in network.render_up_commands(Path("/run/cluster/netns"))]
    assert not any("default" in line or "masquerade" in line.lower() for line in lines)
    assert configs.render_network()["plugins"][0]["ipMasq"] is False
    # The API server asks webhooks by their Services.
    assert any(line.endswith("ip route replace 10.96.0.0/16 dev eth0") for line in lines)


def test_version_1_of_control_groups_has_a_tree_a_controller(tmp_path: Path) -> None:
    for name in ("cpu,cpuacct", "memory"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "cpu").symlink_to("cpu,cpuacct")
    assert [path.name for path in cgroups.find_trees(tmp_path)] == ["cpu,cpuacct", "memory"]


def test_version_2_of_control_groups_is_one_tree(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").touch()
    assert cgroups.find_trees(tmp_path) == [tmp_path]


def test_the_api_server_is_advertised_at_the_nodes_address() -> None:
    command = commands.render_api_server(LAYOUT, Path("/bin/kubernetes"))
    assert command[:2] == ["/bin/kubernetes", "kube-apiserver"]
    assert "--advertise-address=10.99.0.2" in command
    assert "--authorization-mode=Node,RBAC" in command


def test_containerd_keeps_everything_in_our_folders() -> None:
    text = configs.render_containerd(LAYOUT, "overlayfs", may_lower_oom_score=False)
    assert 'root = "/state/containerd"' in text
    assert 'address = "/run/cluster/containerd.sock"' in text
    assert "restrict_oom_score_adj = true" in text
    assert "netns_mounts_under_state_dir = true" in text


def test_no_search_domain_of_the_hosts_reaches_a_pod() -> None:
    assert configs.render_kubelet(LAYOUT)["resolvConf"] == "/state/configs/resolv.conf"


def test_only_authorities_may_sign() -> None:
    for certificate in [*pki.AUTHORITIES, *pki.CERTIFICATES]:
        assert ("CA:true" in pki.render_config(certificate)) == certificate.is_authority
        assert ("-CA" in pki.render_command(Path("/pki"), certificate)) != certificate.is_authority


def test_the_kubelets_certificate_is_a_nodes() -> None:
    kubelet = next(each for each in pki.CERTIFICATES if each.name == "kubelet")
    config = pki.render_config(kubelet)
    assert "0.O = system:nodes" in config
    assert "CN = system:node:node" in config


def test_the_name_service_answers_at_the_address_pods_are_told() -> None:
    service = manifests.render_name_service()[0]
    assert [service["spec"]["clusterIP"]] == configs.render_kubelet(LAYOUT)["clusterDNS"]


def test_an_object_is_applied_at_its_own_path() -> None:
    service, endpoints, role, _ = manifests.render_name_service()
    assert api.render_path(service) == "/api/v1/namespaces/kube-system/services/kube-dns"
    base = "/apis/discovery.k8s.io/v1/namespaces/kube-system"
    assert api.render_path(endpoints) == f"{base}/endpointslices/kube-dns"
    expected = "/apis/rbac.authorization.k8s.io/v1/clusterroles/test-cluster:coredns"
    assert api.render_path(role) == expected


def test_the_ingress_class_of_traefik_is_the_default_one() -> None:
    metadata = manifests.render_ingress_controller()[0]["metadata"]
    assert metadata["annotations"] == {"ingressclass.kubernetes.io/is-default-class": "true"}


def test_the_pause_image_is_an_archive_that_names_itself(tmp_path: Path) -> None:
    archive = tmp_path / "pause.tar"
    archive.write_bytes(pause.render_archive(b"program", "amd64"))
    assert images.read_names(archive) == ["localhost/pause:1"]
    with tarfile.open(archive) as tar:
        blobs = [name for name in tar.getnames() if name.startswith("blobs/")]
    assert len(blobs) == 3


def test_the_pause_image_is_the_same_each_time() -> None:
    assert pause.render_archive(b"program", "amd64") == pause.render_archive(b"program", "amd64")


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "other.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo("readme"), io.BytesIO())
    with pytest.raises(ClusterError, match="no OCI archive"):
        images.read_names(archive)


def test_an_archive_may_name_its_image_in_either_way() -> None:
    entries = [
        {"annotations": {"org.opencontainers.image.ref.name": "localhost/a:1"}},
        {"annotations": {"io.containerd.image.name": "localhost/b:1"}},
        {},
    ]
    assert images.parse_names(json.dumps({"manifests": entries}).encode()) == [
        "localhost/a:1",
        "localhost/b:1",
    ]


def test_kubectl_is_a_part_of_the_one_program() -> None:
    assert checkout.render_kubectl(Path("/a b/kubernetes")) == (
        "#!/bin/sh\nexec '/a b/kubernetes' kubectl \"$@\"\n"
    )


def test_a_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    for _ in range(2):
        with progress.locked(tmp_path / "lock", "a test"):
            pass


@pytest.mark.parametrize(("seconds", "text"), [(4.25, "4.2 s"), (59.9, "59.9 s"), (200, "3 min 20 s")])
def test_durations_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert progress.describe_duration(seconds) == text

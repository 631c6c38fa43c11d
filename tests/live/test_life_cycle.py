"""The cluster itself: ready in seconds, locked down, and nothing left behind however its parent ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from tests.live.live import Live, names, within
from tests.support import ROOT
from workbench.localcluster import cluster, processes
from workbench.localcluster.api import Api, ApiError, wait
from workbench.localcluster.clock import Clock
from workbench.localcluster.cluster import Cluster
from workbench.localcluster.credentials import kubeconfig
from workbench.localcluster.layout import PORTS, free_ports

pytestmark = pytest.mark.live
PROGRAMS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "metrics"}
ENDS = 120 + Clock.from_environment().seconds(1200)
"""Seconds within which a command has ended: the machine's own, and those of the models of `local`."""


def workbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, to its end."""
    command = [sys.executable, "-m", "workbench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=ENDS, check=False)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A folder for a cluster that the test starts by itself."""
    folder = tmp_path / "cluster"
    yield folder
    Cluster(folder).down()


def test_it_is_ready_in_seconds_and_gone_again(state: Path) -> None:
    begin = time.monotonic()
    done = workbench("cluster", "up", "--state", str(state))
    took = time.monotonic() - begin
    assert done.returncode == 0, done.stderr
    assert took < 60, "a quiet machine takes 6 s"
    assert set(Cluster(state).running()) == PROGRAMS
    shown = workbench("cluster", "status", "--state", str(state)).stdout
    assert "gpu-spot-us-west-2a-0" in shown
    assert "ENDED" not in shown
    assert workbench("cluster", "kubeconfig", "--state", str(state)).stdout.strip() == str(state / "kubeconfig")
    log = workbench("cluster", "logs", "kube-apiserver", "--state", str(state)).stdout
    assert re.search(r"^I\d{4} ", log, re.MULTILINE), "the program's own lines"
    assert workbench("down", "--state", str(state)).returncode == 0
    assert processes.running(state) == {}
    assert not state.exists()
    assert "Nothing runs" in workbench("down", "--state", str(state)).stdout


def test_a_folder_under_another_name_is_the_same_cluster(state: Path, tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "cluster")
    link, detour = str(tmp_path / "link"), str(tmp_path / "link" / ".." / "cluster")
    done = workbench("cluster", "up", "--state", link)
    assert done.returncode == 0, done.stderr
    assert set(Cluster(state).running()) == PROGRAMS
    assert "ENDED" not in workbench("cluster", "status", "--state", detour).stdout
    assert f"removed {state}" in workbench("down", "--state", detour).stdout
    assert processes.running(state) == {}
    assert not state.exists()


def test_a_node_that_was_drained_or_lost_keeps_no_up_from_going_on(state: Path) -> None:
    assert workbench("cluster", "up", "--state", str(state)).returncode == 0
    assert workbench("cluster", "drain", "general-us-west-2a-0", "--state", str(state)).returncode == 0
    assert workbench("cluster", "lose-zone", "us-west-2b", "--state", str(state)).returncode == 0
    again = workbench("cluster", "up", "--state", str(state))
    assert again.returncode == 0, again.stderr
    assert "general-us-west-2a-0 is cordoned or lost" in again.stdout
    assert re.search(r"general-us-west-2b-\d is cordoned or lost", again.stdout)
    assert workbench("cluster", "remove-node", "general-us-west-2a-0", "--state", str(state)).returncode == 0
    assert "general-us-west-2a-0 is cordoned" not in workbench("cluster", "up", "--state", str(state)).stdout


def test_a_folder_whose_name_ends_a_path_is_refused(tmp_path: Path) -> None:
    done = workbench("cluster", "up", "--state", str(tmp_path / "a:b"))
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "has : in its name" in done.stderr
    assert "fix: --state NEW_FOLDER" in done.stderr


def test_a_second_up_changes_nothing(state: Path) -> None:
    committed = {path: path.read_bytes() for path in ROOT.glob("Pulumi*.yaml")}
    first = workbench("up", "--no-engine", "--state", str(state))
    assert first.returncode == 0, first.stderr
    assert "local is up by server-side apply of the planned manifests: 89 created" in first.stdout
    assert "stop:" in first.stdout
    before = Cluster(state).running()
    second = workbench("up", "--no-engine", "--state", str(state))
    assert "manifests: 89 unchanged" in second.stdout
    assert Cluster(state).running() == before
    assert {path: path.read_bytes() for path in ROOT.glob("Pulumi*.yaml")} == committed


def test_it_listens_on_loopback_only_and_takes_no_stranger(live: Callable[..., Live]) -> None:
    here = live("local", nodes=False)
    pids = set(here.cluster.running().values())
    listening = [c for c in psutil.net_connections("tcp") if c.pid in pids and c.status == psutil.CONN_LISTEN]
    assert len(listening) >= 6
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}

    tls = ssl.create_default_context(cafile=str(here.cluster.state / "pki" / "ca.crt"))
    for path in ("/api/v1/secrets", "/readyz", "/version"):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(here.api.server + path, context=tls, timeout=5)

    token = yaml.safe_load((here.cluster.state / "conf" / "scheduler.kubeconfig").read_text())["users"][0]["user"][
        "token"
    ]
    other = here.cluster.state / "other.kubeconfig"
    other.write_text(kubeconfig(here.api.server, here.cluster.state / "pki" / "ca.crt", "scheduler", token))
    with pytest.raises(ApiError) as refused:
        Api(other).list("Secret", "kube-system")
    assert refused.value.status == 403, "RBAC is on"
    for secret in ("kubeconfig", "conf/tokens.csv", "pki/sa.key"):
        assert stat.S_IMODE((here.cluster.state / secret).stat().st_mode) == 0o600


def test_admission_is_on(live: Callable[..., Live]) -> None:
    here = live("local", nodes=False)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "guarded"}}
    space["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "restricted"}
    here.api.apply(space)
    here.until("service account", lambda: here.api.find("ServiceAccount", "default", "guarded"))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "guarded"}}
    pod["spec"] = {"containers": [{"name": "c", "image": "i", "securityContext": {"privileged": True}}]}
    with pytest.raises(ApiError, match="violates PodSecurity"):
        here.api.create(pod)


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_is_interrupted_leaves_nothing_after_down(state: Path, sign: signal.Signals) -> None:
    command = [sys.executable, "-m", "workbench", "up", "--no-engine", "--state", str(state)]
    # As in a terminal: what runs in the background of a script is started with Ctrl-C ignored, and hands that on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        signal.signal(signal.SIGINT, before)
        wait("an API server", lambda: "kube-apiserver" in processes.running(state), 60, poll=0.01)
        run.send_signal(sign)
        _, error = run.communicate(timeout=60)
    if sign == signal.SIGINT:
        assert run.returncode == 130
        assert "interrupted" in error
        assert "Traceback" not in error
        assert processes.running(state) == {}, "Ctrl-C cleans up by itself"
    else:
        assert "kube-apiserver" in processes.running(state), "nobody was there to end it"
    assert workbench("down", "--state", str(state)).returncode == 0
    assert processes.running(state) == {}
    assert not state.exists()


def test_a_start_that_was_killed_half_way_is_begun_anew(state: Path) -> None:
    command = [sys.executable, "-m", "workbench", "cluster", "up", "--state", str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as run:
        wait("an API server", lambda: "kube-apiserver" in processes.running(state), 60, poll=0.01)
        run.kill()
    before = Cluster(state).running()
    done = workbench("cluster", "up", "--state", str(state))
    assert done.returncode == 0, done.stderr
    after = Cluster(state).running()
    assert set(after) == PROGRAMS
    assert not set(before.values()) & set(after.values())
    assert len(processes.running(state)["etcd"]) == 1


@pytest.mark.parametrize("port", PORTS)
def test_a_port_that_somebody_took_meanwhile_is_met_with_another(
    live: Callable[..., Live], monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    chosen: list[dict[str, int]] = []
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()

        def choose(count: int) -> list[int]:
            ports = dict(zip(PORTS, free_ports(count), strict=True))
            if not chosen:
                ports[port] = somebody.getsockname()[1]
            chosen.append(ports)
            return list(ports.values())

        monkeypatch.setattr(cluster, "free_ports", choose)
        before = set(psutil.Process().children())
        here = live("local", nodes=False)
    assert {p.pid for p in set(psutil.Process().children()) - before} == set(here.cluster.running().values())
    assert len(chosen) == 2
    assert here.cluster.layout.ports == chosen[1]


def test_a_folder_that_is_no_clusters_is_neither_filled_nor_removed(tmp_path: Path) -> None:
    mine = tmp_path / "letters.txt"
    mine.write_text("dear")
    for command in (("cluster", "up"), ("up", "--no-engine"), ("down",)):
        done = workbench(*command, "--state", str(tmp_path))
        assert done.returncode == 1
        assert "holds something else than a cluster" in done.stderr
    assert list(tmp_path.iterdir()) == [mine]


def test_down_ends_an_api_server_whose_etcd_is_gone(state: Path) -> None:
    """It would outlive SIGTERM for a minute."""
    assert workbench("cluster", "up", "--state", str(state)).returncode == 0
    Cluster(state).kill("etcd")
    begin = time.monotonic()
    assert workbench("down", "--state", str(state)).returncode == 0
    assert time.monotonic() - begin < 20
    assert processes.running(state) == {}


def test_two_clusters_side_by_side_do_not_touch_each_other(live: Callable[..., Live]) -> None:
    one, two = live("local", nodes=False), live("prod", nodes=False)
    one.nodes.add("general", ready=True)
    one.nodes.wait_ready()
    assert two.nodes.all() == []
    one.cluster.down()
    assert [p for p in psutil.Process().children() if p.status() == psutil.STATUS_ZOMBIE] == []
    assert set(two.cluster.running()) == PROGRAMS
    assert two.api.find("Namespace", "default") is not None


def test_up_starts_again_what_has_ended_and_keeps_the_rest(state: Path) -> None:
    assert workbench("cluster", "up", "--state", str(state)).returncode == 0
    cluster = Cluster(state)
    before = cluster.running()
    cluster.kill("kube-scheduler")
    assert "kube-scheduler: ENDED" in workbench("cluster", "status", "--state", str(state)).stdout
    done = workbench("cluster", "up", "--state", str(state))
    assert "Starting again: kube-scheduler" in done.stdout
    after = cluster.running()
    assert set(after) == PROGRAMS
    assert {name: pid for name, pid in after.items() if name != "kube-scheduler"} == {
        name: pid for name, pid in before.items() if name != "kube-scheduler"
    }


def test_nodes_and_pods_come_back_with_the_program_that_speaks_for_them(live: Callable[..., Live]) -> None:
    """kwok was away longer than the 50 s that the controller manager waits: what that one then says is said by hand."""
    here = live("local")
    here.up(only=within("quant"))
    before = names(here, "quant", "quant-api")
    here.cluster.kill("kwok")
    for node in here.nodes.all():
        here.nodes.unheard_of(node["metadata"]["name"])
    here.until("pods that are taken out of their Service", lambda: here.endpoints("quant", "quant-api") == [])
    here.cluster.restart("kwok")
    here.nodes.wait_ready()
    here.until("the pods serve again", lambda: len(here.endpoints("quant", "quant-api")) == 2)
    here.holds("no other ones", lambda: names(here, "quant", "quant-api") == before)


def test_another_stack_on_a_running_cluster_is_refused(state: Path) -> None:
    assert workbench("cluster", "up", "--state", str(state)).returncode == 0
    done = workbench("up", "--stack", "prod", "--no-engine", "--state", str(state))
    assert done.returncode == 1
    assert "a cluster for stack local" in done.stderr
    assert "fix: `make down` first" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("up", "--stack", "prd"), 2, 'there is no stack "prd": did you mean prod?'),
        (("cluster", "status"), 1, "there is no cluster in"),
        (("cluster", "reclaim", "nobody"), 1, "there is no cluster in"),
        (("cluster", "logs", "kwok"), 1, 'there is no log of "kwok"'),
        (("up", "--engine", "--no-engine"), 2, "not allowed with"),
        (("up", "--platform", "nowhere"), 1, "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_message(
    state: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = workbench(*arguments, "--state", str(state))
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert processes.running(state) == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("reclaim", "nobody"), 'there is no node "nobody"'),
        (("add-node", "gpu"), 'there is no pool "gpu"\n  fix: one of general, gpu-spot'),
        (("add-node", "general", "--zone", "mars"), 'pool general has no zone "mars"'),
        (("scale", "general", "99"), "at most 12 nodes"),
        (("lose-zone", "mars"), 'there is no node in zone "mars"'),
        (("fail", "gateway", "liveness"), '"gateway" names no namespace'),
        (("fail", "platform/gateway", "liveness"), "not found"),
        (("drain", "nobody"), 'there is no node "nobody"'),
    ],
)
def test_wrong_names_are_answered_with_the_right_ones(one_cluster: Path, arguments: tuple[str, ...], said: str) -> None:
    done = workbench("cluster", *arguments, "--state", str(one_cluster))
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def one_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cluster for all tests that only ask it for what is not there."""
    folder = tmp_path_factory.mktemp("one") / "cluster"
    assert workbench("cluster", "up", "--state", str(folder)).returncode == 0
    yield folder
    Cluster(folder).down()


def test_scale_from_zero_takes_the_start_up_time_of_a_node(live: Callable[..., Live]) -> None:
    here = live("local", nodes=False)
    begin = time.monotonic()
    (name,) = here.nodes.add("gpu-spot")
    here.nodes.wait_ready([name], here.clock.seconds(300) + 20)
    took = time.monotonic() - begin
    assert took >= here.clock.seconds(300)
    assert here.api.get("Node", name)["metadata"]["labels"]["eks.amazonaws.com/capacityType"] == "SPOT"
    here.nodes.scale("gpu-spot", 0)
    assert here.nodes.all() == []


def test_custom_and_external_metrics_come_through_aggregation(live: Callable[..., Live]) -> None:
    from workbench.localcluster.metrics import Custom, External, Metrics

    here = live("local")
    here.up(only=lambda m: m["metadata"].get("namespace") in (None, "quant") or m["kind"] == "Namespace")
    row = Custom("quant", "pods", {"app": "quant-api"}, "inference_queue_depth", "12")
    outside = External("quant", "queue", {"name": "jobs"}, "40")
    here.metrics.set(Metrics(custom=(row,), external=(outside,)))
    pods = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/quant/pods/*/inference_queue_depth"
    items = here.api.call("GET", pods, query={"labelSelector": "app=quant-api"}).object["items"]
    assert [item["value"] for item in items] == ["12", "12"]
    queue = "/apis/external.metrics.k8s.io/v1beta1/namespaces/quant/queue"
    assert [i["value"] for i in here.api.call("GET", queue).object["items"]] == ["40"]
    assert here.api.call("GET", queue, query={"labelSelector": "name=other"}).object["items"] == []
    with pytest.raises(ApiError, match="nobody has tokens of pods"):
        here.api.call("GET", pods.replace("inference_queue_depth", "tokens"))
    usage = here.api.call("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/quant/pods").object["items"]
    assert {json.dumps(p["containers"][0]["usage"]["cpu"]) for p in usage} == {'"50m"'}, "idle: a tenth of the request"


def test_a_claim_of_one_node_gets_a_volume_in_the_zone_of_its_pod(live: Callable[..., Live]) -> None:
    here = live("local")
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "disk", "namespace": "default"}}
    claim["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    here.api.create(claim)
    here.holds("no volume before a pod", lambda: here.api.list("PersistentVolume") == [], least=1.0)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "writer", "namespace": "default"}}
    volume = {"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}
    pod["spec"] = {"containers": [{"name": "c", "image": "i"}], "volumes": [volume]}
    here.api.create(pod)
    here.until("running pod", lambda: here.api.get("Pod", "writer", "default")["status"]["phase"] == "Running")
    node = here.api.get("Node", here.api.get("Pod", "writer", "default")["spec"]["nodeName"])
    (made,) = here.api.list("PersistentVolume")
    (term,) = made["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == [node["metadata"]["labels"]["topology.kubernetes.io/zone"]]


def test_ports_of_a_cluster_are_free_again(state: Path) -> None:
    assert workbench("cluster", "up", "--state", str(state)).returncode == 0
    ports = json.loads((state / "cluster.json").read_text())["ports"]
    workbench("down", "--state", str(state))
    for port in ports.values():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert os.path.lexists(state) is False

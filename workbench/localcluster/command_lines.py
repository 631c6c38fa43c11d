"""The command lines of a cluster's programs: loopback, own certificates and tokens, RBAC, no anonymous user."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from workbench.localcluster.clock import Clock
from workbench.localcluster.layout import Layout

POD_RANGE, SERVICE_RANGE = "10.244.0.0/16", "10.96.0.0/16"
LEASE = 40
"""Seconds of a node's lease: less than the 50 after which the controller manager counts a node as lost."""
LEASES = "kube-node-lease"
"""The namespace of the nodes' leases."""


@dataclass(frozen=True)
class CommandLines:
    """Those of one cluster."""

    state: Path
    layout: Layout
    programs: Path
    """The folder of the built programs."""

    def all(self) -> dict[str, list[str]]:
        """Program -> its command line, in the order in which they need each other."""
        return {
            "etcd": self._etcd(),
            "kube-apiserver": self._api_server(),
            "kube-controller-manager": self._controller_manager(),
            "kube-scheduler": self._scheduler(),
            "kwok": self._kwok(),
            "metrics": [
                sys.executable,
                "-m",
                "workbench.localcluster.metrics_server",
                str(self.state),
                str(self.layout.ports["metrics"]),
                str(self.layout.factor),
            ],
        }

    def _etcd(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{self.layout.ports[name]}" for name in ("etcd", "peer"))
        return [
            str(self.programs / "etcd"),
            "--name=local",
            f"--data-dir={self.state / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=local={peer}",
            "--unsafe-no-fsync",  # the data lives as long as the cluster
            "--log-level=warn",
        ]

    def _api_server(self) -> list[str]:
        pki, clock = self.state / "pki", Clock(self.layout.factor)
        toleration = max(1, round(clock.seconds(300)))  # what a pod gets by default
        return [
            str(self.programs / "kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self.layout.ports['etcd']}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.layout.ports['api']}",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",  # else it tries to publish 127.0.0.1, which may not be an endpoint
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            f"--tls-cert-file={pki / 'serving.crt'}",
            f"--tls-private-key-file={pki / 'serving.key'}",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--token-auth-file={self.state / 'conf' / 'tokens.csv'}",
            "--anonymous-auth=false",
            "--authorization-mode=Node,RBAC",
            "--allow-privileged=true",
            "--profiling=false",
            f"--default-not-ready-toleration-seconds={toleration}",
            f"--default-unreachable-toleration-seconds={toleration}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki / 'sa.pub'}",
            f"--service-account-signing-key-file={pki / 'sa.key'}",
            f"--requestheader-client-ca-file={pki / 'front-ca.crt'}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={pki / 'front-proxy.crt'}",
            f"--proxy-client-key-file={pki / 'front-proxy.key'}",
        ]

    def _controller_manager(self) -> list[str]:
        kubeconfig, pki = self.state / "conf" / "controller-manager.kubeconfig", self.state / "pki"
        clock = Clock(self.layout.factor)
        return [
            str(self.programs / "kube-controller-manager"),
            *self._controller(kubeconfig, self.layout.ports["controller-manager"]),
            f"--kubeconfig={kubeconfig}",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={pki / 'sa.key'}",
            f"--root-ca-file={pki / 'ca.crt'}",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            # Kubernetes' own defaults, divided as simulated time is.
            f"--node-monitor-period={clock.flag(5)}",
            f"--node-eviction-rate={0.1 * clock.factor:g}",  # nodes a second of a lost zone whose pods are let go
            f"--horizontal-pod-autoscaler-sync-period={clock.flag(15)}",
            f"--horizontal-pod-autoscaler-downscale-stabilization={clock.flag(300)}",
            f"--horizontal-pod-autoscaler-cpu-initialization-period={clock.flag(300)}",
            f"--horizontal-pod-autoscaler-initial-readiness-delay={clock.flag(30)}",
        ]

    def _scheduler(self) -> list[str]:
        conf = self.state / "conf"
        controller = self._controller(conf / "scheduler.kubeconfig", self.layout.ports["scheduler"])
        return [str(self.programs / "kube-scheduler"), f"--config={conf / 'scheduler.yaml'}", *controller]

    def _controller(self, kubeconfig: Path, port: int) -> list[str]:
        pki = self.state / "pki"
        return [
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--tls-cert-file={pki / 'serving.crt'}",
            f"--tls-private-key-file={pki / 'serving.key'}",
        ]

    def _kwok(self) -> list[str]:
        conf, pki, port = self.state / "conf", self.state / "pki", self.layout.ports["kwok"]
        return [
            str(self.programs / "kwok"),
            f"--kubeconfig={conf / 'kwok.kubeconfig'}",
            f"--config={conf / 'stages.yaml'}",
            "--enable-crds=",
            "--manage-all-nodes=true",
            f"--cidr={POD_RANGE}",
            "--node-ip=127.0.0.1",
            f"--node-port={port}",
            f"--server-address=127.0.0.1:{port}",
            f"--node-lease-duration-seconds={LEASE}",
            f"--tls-cert-file={pki / 'serving.crt'}",
            f"--tls-private-key-file={pki / 'serving.key'}",
        ]

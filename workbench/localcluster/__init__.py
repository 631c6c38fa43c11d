"""A real Kubernetes control plane with simulated nodes, on this machine.

Belongs here: building the programs, running them, the nodes and what happens to them, what a kubelet and a cloud would
answer, and the metrics that autoscalers read. etcd, kube-apiserver, kube-controller-manager and kube-scheduler are the
real ones; kwok stands for the kubelets. Does not belong here: what the platform is, and how it is deployed
(`workbench.deploy`).
"""

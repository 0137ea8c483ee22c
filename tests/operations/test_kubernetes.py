"""The manifests, by Kubernetes' own schemas and by what the service needs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from quickpoll import __version__
from tests.checkout import root
from tests.operations.checkers import missing

versions = ("1.30", "1.34")
"""Of Kubernetes: the oldest that knows ``preStop: sleep``, and a recent one."""

manifests: list[dict[str, Any]] = list(
    yaml.safe_load_all((root / "config/kubernetes/quickpoll.yaml").read_text())
)
by_kind = {one["kind"]: one for one in manifests}
pod: dict[str, Any] = by_kind["Deployment"]["spec"]["template"]["spec"]
container: dict[str, Any] = pod["containers"][0]


@pytest.mark.parametrize("version", versions)
@pytest.mark.parametrize("kind", sorted(by_kind))
def test_manifest_fits_the_schema(kind: str, version: str) -> None:
    try:
        from kubernetes_validate import validate
    except ImportError:
        missing("kubernetes-validate")
    validate(by_kind[kind], version, strict=True)


def test_instances_are_replaced_one_by_one_and_have_time_to_stop() -> None:
    strategy = by_kind["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxUnavailable": 0, "maxSurge": 1}
    leaving = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] >= leaving + 10
    assert by_kind["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_sessions_stay_with_their_instance() -> None:
    assert by_kind["Service"]["spec"]["sessionAffinity"] == "ClientIP"
    notes = by_kind["Ingress"]["metadata"]["annotations"]
    assert notes["nginx.ingress.kubernetes.io/affinity"] == "cookie"


def test_probes_ask_what_they_are_for() -> None:
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("liveness", "readiness")
    }
    assert paths == {"liveness": "/health/live", "readiness": "/health/ready"}


def test_instances_run_without_privileges_on_a_read_only_file_system() -> None:
    assert container["image"] == f"quickpoll:{__version__}"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_autoscaler_goes_by_metrics_that_the_adapter_hands_on() -> None:
    text = (root / "config/kubernetes/prometheus-adapter.yaml").read_text()
    for metric in by_kind["HorizontalPodAutoscaler"]["spec"]["metrics"]:
        assert metric["pods"]["metric"]["name"] in text


def test_everything_selects_the_same_pods() -> None:
    labels = by_kind["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert by_kind["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert by_kind["Service"]["spec"]["selector"] == labels
    assert by_kind["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels

"""Validates rendered objects with the schemas of Kubernetes and of custom resources."""

import json
from pathlib import Path

import jsonschema
import kubernetes_validate
from kubernetes_validate.utils import all_versions
from packaging.version import Version

from tests.deploy.kustomize import Object, qualified_name

OLDEST_MINOR = "1.31"
"""The oldest minor version of Kubernetes that the manifests support (docs/kubernetes.md)."""
MINOR_VERSIONS = sorted(
    {
        minor
        for minor in (version.rpartition(".")[0] for version in all_versions())
        if Version(minor) >= Version(OLDEST_MINOR)
    },
    key=Version,
)
CUSTOM_SCHEMAS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "schemas").glob("*.json"))
}
"""Schemas of custom resources, as far as they are used."""


def schema_errors(object_: Object, minor: str) -> list[str]:
    """Return the schema errors of an object, by the schema of Kubernetes or of the custom resource."""
    try:
        if object_["kind"] in CUSTOM_SCHEMAS:
            jsonschema.validate(object_, CUSTOM_SCHEMAS[object_["kind"]])
        else:
            kubernetes_validate.validate(object_, minor, strict=True)
    except jsonschema.ValidationError as error:
        return [f"{qualified_name(object_)}, {minor}: {error.message}"]
    return []

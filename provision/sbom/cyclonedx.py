"""An inventory as a CycloneDX 1.6 document in JSON, by cyclonedx-python-lib."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from provision.errors import ProvisionError
from provision.host.distribution import install_command
from provision.sbom.inventory import BomComponent, Inventory

if TYPE_CHECKING:
    from cyclonedx.model.component import Component


def cyclonedx_document(inventory: Inventory) -> dict[str, object]:
    """The document: flat components, tied by `dependencies`; raises `ProvisionError` without the library.

    Serial number and time are set, as the library's defaults differ in every run.
    """
    try:
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.model.bom_ref import BomRef
        from cyclonedx.model.dependency import Dependency
        from cyclonedx.output.json import JsonV1Dot6
    except ModuleNotFoundError as error:
        raise ProvisionError(
            f"the format cyclonedx requires the package cyclonedx-python-lib: {error}",
            hint=f"Run `{install_command('sbom')}`, or pass `--format spdx`.",
        ) from error

    refs = {each.ref: BomRef(each.ref) for each in inventory.components}
    bom = Bom(
        serial_number=inventory.serial,
        metadata=BomMetaData(timestamp=datetime.fromisoformat(inventory.created)),
        components=[_component(each) for each in inventory.components],
        dependencies=[
            Dependency(refs[each.ref], [Dependency(refs[ref]) for ref in each.contains or ()])
            for each in inventory.components
        ],
    )
    document: dict[str, object] = json.loads(JsonV1Dot6(bom).output_as_string())
    return document


def _component(component: BomComponent) -> Component:
    from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.license import LicenseExpression
    from packageurl import PackageURL

    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=component.sha256)] if component.sha256 else []
    distribution = ExternalReferenceType.DISTRIBUTION
    return Component(
        type=ComponentType(component.kind),
        bom_ref=component.ref,
        name=component.name,
        version=component.version or None,
        purl=PackageURL.from_string(component.purl) if component.purl else None,
        cpe=component.cpe or None,
        hashes=hashes,
        licenses=[LicenseExpression(component.licence)] if component.licence else [],
        external_references=[
            ExternalReference(type=distribution, url=XsUri(url), hashes=hashes) for url in component.urls
        ],
        properties=[Property(name=name, value=value) for name, value in component.properties],
    )

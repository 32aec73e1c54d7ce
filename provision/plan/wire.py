"""Owns the plan as a JSON document, for `plan --json` and saved plans; how people see it, `cli.render` says."""

from __future__ import annotations

from provision.model.asset import Asset
from provision.plan.actions import Action, Install, Keep, Link, Plan, Remove, Selected, Unlink

PLAN_VERSION = 1


def plan_document(plan: Plan) -> dict[str, object]:
    """The plan as JSON values; equal plans give equal documents."""
    downloads = plan.downloads()
    sizes = [asset.size for asset in downloads]
    return {
        "version": PLAN_VERSION,
        "lock": f"sha256:{plan.lock}",
        "empty": plan.is_empty,
        "actions": [_action(action) for action in plan.actions],
        "summary": {
            "keep": _count(plan, Keep),
            "install": _count(plan, Install),
            "link": _count(plan, Link),
            "unlink": _count(plan, Unlink),
            "remove": _count(plan, Remove),
            "downloads": len(downloads),
            "download-bytes": sum(size or 0 for size in sizes),
            "downloads-of-unknown-size": sizes.count(None),
        },
    }


def _count(plan: Plan, kind: type[Action]) -> int:
    return sum(isinstance(action, kind) for action in plan.actions)


def _action(action: Action) -> dict[str, object]:
    match action:
        case Keep(selected=selected):
            return {"action": "keep", **_selected(selected)}
        case Install(selected=selected, names=names, cached=cached, damaged=damaged):
            return {
                "action": "install",
                **_selected(selected),
                "names": list(names),
                "cached": cached,
                "damaged": damaged,
                **_asset(selected.asset),
            }
        case Link(selected=selected, previous=previous):
            return {"action": "link", **_selected(selected), "previous": previous}
        case Unlink(name=name):
            return {"action": "unlink", "name": name}
        case Remove(key=key):
            return {"action": "remove", "key": key}


def _selected(selected: Selected) -> dict[str, object]:
    asset = selected.asset
    return {"name": selected.name, "key": selected.key, "target": str(asset.target), "cpu": asset.cpu}


def _asset(asset: Asset) -> dict[str, object]:
    return {"url": asset.url, "sha256": str(asset.sha256), "size": asset.size}

"""What a run leaves, as a short table: clients, features, champion, and the commands that open the rest."""

from pathlib import Path

from ml.data.source import Source, training_source
from ml.registry.registry import Registry
from ml.registry.store import without_password
from ml.registry.versions import MODEL_NAME, VERDICT_TAG, RegisteredModel
from warehouse.core.database import require_table
from warehouse.core.settings import PROJECT_ROOT, Settings
from warehouse.snapshots.snapshot import CURRENT

DRIFT_REPORT = PROJECT_ROOT / "monitoring" / "reports" / "drift" / "drift.html"


def summary(settings: Settings) -> str:
    """A short table for a person.

    Raises
    ------
    ModelError
        No model is champion yet.
    SnapshotError
        The marts that the newest version was trained on are gone.
    """
    registry = Registry(settings)
    champion, newest = registry.resolve(), registry.resolve("newest")
    source = training_source(registry.manifest(newest)["data"], settings)
    clients, features = _size(source)
    what = [
        ("clients", f"{clients['training']:,} with a label, {clients['scoring']:,} to be scored"),
        ("features", f"{features:,} per client in marts.client_features"),
        *_figures(champion),
        ("champion", f"{MODEL_NAME} version {champion.version}{_other_marts(registry, champion, source)}"),
        *([] if newest == champion else [("newest", _not_champion(newest))]),
        ("marts", f"{source}, quality gate {source.origin.quality_gate}"),
    ]
    current = settings.published_dir / CURRENT / source.database.name
    marts = current if current.exists() and current.samefile(source.database) else source.database
    open_next = [
        ("the marts", f".venv/bin/duckdb -readonly {_short(marts)}"),
        ("the runs", f".venv/bin/mlflow ui --backend-store-uri {_short_uri(without_password(settings.tracking_uri))}"),
        ("the report", _short(DRIFT_REPORT)),
        ("decisions", "make serve, then http://127.0.0.1:8000/pages"),
        # mlflow starts uvicorn by its bare name
        (
            "the model",
            f"PATH=.venv/bin:$PATH mlflow models serve -m {_short(settings.model_dir)} --env-manager local -p 1234",
        ),
    ]
    return "\n".join(["", *_table(what), "", "open next", *_table(open_next)])


def _size(source: Source) -> tuple[dict[str, int], int]:
    with source.connect() as con:
        require_table(con, "marts", "client_features")
        clients = dict(con.execute("select population, count(*) from marts.client_features group by 1").fetchall())
        columns = con.execute("select * from marts.client_features limit 0").description
    return {"training": 0, "scoring": 0} | clients, len(columns) - 2


def _other_marts(registry: Registry, champion: RegisteredModel, source: Source) -> str:
    """The champion's snapshot, when it is not that of the newest version."""
    trained_on = registry.manifest(champion)["data"]
    same = trained_on.get("marts_fingerprint") == source.origin.marts_fingerprint
    return "" if same else f", trained on {trained_on.get('snapshot', 'marts that its run does not name')}"


def _figures(champion: RegisteredModel) -> list[tuple[str, str]]:
    metrics = champion.metrics
    return [
        ("AUC", f"{metrics['auc']:.4f} out of fold{_held_out(metrics)}"),
        (
            "cost per 1,000",
            f"{metrics['cost_per_1000']:.1f} (a defaulter granted credit costs 10, a good client refused 1); "
            f"{metrics['cost_per_1000_accept_all']:.1f} when everyone is accepted",
        ),
        ("threshold", f"{metrics['threshold']:.4f}"),
    ]


def _not_champion(newest: RegisteredModel) -> str:
    auc, cost = newest.metrics["auc"], newest.metrics["cost_per_1000"]
    verdict = newest.tags.get(VERDICT_TAG, "not judged yet")
    return f"version {newest.version}, not champion: AUC {auc:.4f}, cost {cost:.1f}; {verdict}"


def _held_out(metrics: dict[str, float]) -> str:
    if "holdout_auc" not in metrics:
        return ""
    low, high = metrics["holdout_auc_low"], metrics["holdout_auc_high"]
    return f", {metrics['holdout_auc']:.4f} ({low:.4f} to {high:.4f}) on the hold-out"


def _short(path: Path) -> str:
    return str(path.relative_to(PROJECT_ROOT)) if path.is_relative_to(PROJECT_ROOT) else str(path)


def _short_uri(uri: str) -> str:
    return uri.replace(f"sqlite:///{PROJECT_ROOT}/", "sqlite:///")


def _table(rows: list[tuple[str, str]]) -> list[str]:
    return [f"  {name:<16}{text}" for name, text in rows]

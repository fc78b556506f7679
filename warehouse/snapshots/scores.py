"""The newest scores as a view beside the marts: scoring comes after publication, and a published file never changes.

`python -m ml.predict` leaves one Parquet file per scoring in a folder beside the snapshots. The view reads all of them
where they lie, so a snapshot that is copied to another machine answers everything but this view.
"""

from pathlib import Path

import duckdb

from warehouse.core.files import replaced_file
from warehouse.core.sql import literal

FOLDER = "scores"
SCHEMA = "scores"
FILES, NO_SCORES = "scores_*.parquet", "scores_none.parquet"
COLUMNS = {
    "sk_id_curr": ("bigint not null", "Key of the application."),
    "probability": ("double not null", "Calibrated default probability, 0 to 1."),
    "decision": ("varchar not null", "Refuse when the probability reaches the threshold, else grant."),
    "threshold": ("double not null", "Threshold of the model version, 0 to 1."),
    "model_version": ("integer not null", "Version of credit_scoring_model."),
    "snapshot_id": ("varchar not null", "Published snapshot that the features were read from."),
    "scored_at": ("timestamptz not null", "When the scoring began."),
    **{
        f"reason_{place}": ("varchar", f"Reason {place} for the decision, the strongest first; null if not asked for.")
        for place in range(1, 5)
    },
}
NEWEST = f"{SCHEMA}.newest"
OVERVIEW = f"{SCHEMA}.client_overview"


def scores_dir(published_dir: Path) -> Path:
    """Folder of the scores that belong to a folder of snapshots."""
    return published_dir.parent / FOLDER


def write_score_views(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make `scores.newest`, and `scores.client_overview` when there is one to add scores to, in the current database.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
    folder : Path
        Of the Parquet files; made when it is missing, with a file of no rows, without which the views had no columns.
    """
    _write_no_scores(con, folder / NO_SCORES)
    listed = ", ".join(COLUMNS)
    con.execute(f"create schema {SCHEMA}")
    con.execute(
        f"create view {NEWEST} as select {listed} from read_parquet({literal(folder / FILES)}, union_by_name = true) "
        "qualify row_number() over (partition by sk_id_curr order by scored_at desc, model_version desc) = 1"
    )
    con.execute(f"comment on view {NEWEST} is 'One row per client that was ever scored: the newest score.'")
    for name, (_, text) in COLUMNS.items():
        con.execute(f"comment on column {NEWEST}.{name} is {literal(text)}")
    marts = con.execute(
        "select 1 from information_schema.tables where table_catalog = current_database() "
        "and table_schema = 'marts' and table_name = 'client_overview'"
    ).fetchall()
    if marts:
        added = ", ".join(f"newest.{name}" for name in COLUMNS if name != "sk_id_curr")
        con.execute(
            f"create view {OVERVIEW} as select overview.*, {added} from marts.client_overview as overview "
            f"left join {NEWEST} as newest using (sk_id_curr)"
        )
        con.execute(
            f"comment on view {OVERVIEW} is 'One row per application, as in marts.client_overview, with the newest "
            "score, decision and reasons; null where it was never scored.'"
        )


def _write_no_scores(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    if path.is_file():
        found = con.execute(f"describe select * from read_parquet({literal(path)})").fetchall()
        if [name for name, *_ in found] == list(COLUMNS):
            return
    columns = ", ".join(
        f"cast(null as {kind.removesuffix(' not null')}) as {name}" for name, (kind, _) in COLUMNS.items()
    )
    with replaced_file(path) as unfinished:
        con.execute(f"copy (select {columns} where false) to {literal(unfinished)} (format parquet)")

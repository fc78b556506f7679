"""Raw files with values at the edges of the rules: sentinels, ends of windows, ties, zeros, and nothing known."""

from pathlib import Path

import numpy as np
import pandas as pd

from warehouse.loading.contract import Table, load_contract

SEED = 7
UNKNOWN_SHARE = 0.06  # of the values of a column that may be null
ANY_SHARE = 0.06  # of the values of a column with a domain: any of it
EDGE_SHARE = 0.25  # of the values of a column that is listed here
NEVER = 365243
TOO_LONG_AGO = [-40000, -40001]
WINDOW_ENDS = [-180, -181, -360, -361, -720, -721, -1080, -1081]
EARLIER_DATES = [NEVER, -1, -900]

EDGES: dict[str, dict[str, list[float]]] = {
    "application": {
        "DAYS_BIRTH": [-7305, -7306, -14610, -14609],
        "DAYS_EMPLOYED": [NEVER, 0, -1],
        "DAYS_LAST_PHONE_CHANGE": [0, -1],
        "CNT_FAM_MEMBERS": [0, 1],
        "AMT_GOODS_PRICE": [0],
        "OBS_30_CNT_SOCIAL_CIRCLE": [0],
    },
    "bureau": {
        "DAYS_CREDIT": WINDOW_ENDS,
        "DAYS_CREDIT_ENDDATE": [*TOO_LONG_AGO, 0],
        "DAYS_ENDDATE_FACT": [*TOO_LONG_AGO, 0],
        "DAYS_CREDIT_UPDATE": [*TOO_LONG_AGO, 0, 1],
        "AMT_CREDIT_SUM": [0],
        "AMT_CREDIT_SUM_DEBT": [0, -100],
        "AMT_CREDIT_MAX_OVERDUE": [0, 0.5],
        "CNT_CREDIT_PROLONG": [0, 1],
    },
    "previous_application": {
        "DAYS_DECISION": WINDOW_ENDS,
        "DAYS_FIRST_DUE": EARLIER_DATES,
        "DAYS_LAST_DUE": EARLIER_DATES,
        "DAYS_LAST_DUE_1ST_VERSION": [*EARLIER_DATES, 1, 900],
        "DAYS_TERMINATION": EARLIER_DATES,
        "DAYS_FIRST_DRAWING": EARLIER_DATES,
        "SELLERPLACE_AREA": [-1, 0],
        "CNT_PAYMENT": [0, 1],
        "AMT_CREDIT": [0],
        "AMT_ANNUITY": [0],
        "HOUR_APPR_PROCESS_START": [0, 23],
        "NFLAG_LAST_APPL_IN_DAY": [0, 1],
    },
    "POS_CASH_balance": {
        "CNT_INSTALMENT": [0, 6],
        "CNT_INSTALMENT_FUTURE": [0, 6],
        "SK_DPD": [0, 1],
        "SK_DPD_DEF": [0, 1],
    },
    "credit_card_balance": {
        "AMT_CREDIT_LIMIT_ACTUAL": [0],
        "AMT_DRAWINGS_CURRENT": [0, -1, 0.5],
        "AMT_DRAWINGS_ATM_CURRENT": [0, -1],
        "AMT_DRAWINGS_POS_CURRENT": [0, -1],
        "AMT_INST_MIN_REGULARITY": [0, 100],
        "AMT_PAYMENT_CURRENT": [0, 100, -1],
        "SK_DPD": [0, 1],
        "SK_DPD_DEF": [0, 1],
    },
    "installments_payments": {"DAYS_INSTALMENT": [-90, -91, -365, -366]},
}
LATENESS = [0, 1, 7, 8, 30, 31, -1]
SILENT_SHARE = 0.05  # of the clients: no payment is known


def put_on_edges(raw_dir: Path, out: Path) -> None:
    """Write the raw files once more, many of their values at an edge; keys and months stay as they are."""
    generator = np.random.default_rng(SEED)
    out.mkdir()
    for table in load_contract().tables.values():
        rows = pd.read_csv(raw_dir / f"{table.name}.csv", keep_default_na=False, na_values=[""])
        rows = _with_edges(_with_any_value(rows, table, generator), table.name, generator)
        if table.name == "installments_payments":
            rows = _with_lateness(rows, generator)
        rows.to_csv(out / f"{table.name}.csv", index=False)


def _with_any_value(rows: pd.DataFrame, table: Table, generator: np.random.Generator) -> pd.DataFrame:
    """Values of the whole domain, and nothing where that is allowed."""
    changed = {}
    for column in table.columns:
        if column.name in table.primary_key or column.name.startswith("SK_ID") or column.name == "TARGET":
            continue
        values = rows[column.name]
        if column.values:
            values = values.where(generator.random(len(rows)) >= ANY_SHARE, generator.choice(column.values, len(rows)))
        if column.nullable:
            values = values.where(generator.random(len(rows)) >= UNKNOWN_SHARE)
        changed[column.name] = values
    return rows.assign(**changed)


def _with_edges(rows: pd.DataFrame, name: str, generator: np.random.Generator) -> pd.DataFrame:
    edges = EDGES.get(name.removesuffix("_train").removesuffix("_test"), {})
    return rows.assign(
        **{
            column: rows[column].where(
                generator.random(len(rows)) >= EDGE_SHARE, generator.choice(values, len(rows)).astype("float64")
            )
            for column, values in edges.items()
        }
    )


def _with_lateness(rows: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """Payments on time, at the edges of lateness, in part, after the application; of some clients none; long loans."""
    paid_on = (rows["DAYS_INSTALMENT"] + generator.choice(LATENESS, len(rows))).clip(upper=1)
    paid_on = rows["DAYS_ENTRY_PAYMENT"].where(generator.random(len(rows)) >= 2 * EDGE_SHARE, paid_on)
    paid = rows["AMT_INSTALMENT"] * generator.choice([0, 0.5, 1], len(rows))
    paid = rows["AMT_PAYMENT"].where(generator.random(len(rows)) >= EDGE_SHARE, paid.round(3))
    clients = rows["SK_ID_CURR"].unique()
    silent = rows["SK_ID_CURR"].isin(clients[generator.random(len(clients)) < SILENT_SHARE])
    silent |= generator.random(len(rows)) < UNKNOWN_SHARE
    number = rows["NUM_INSTALMENT_NUMBER"] + 127 * (rows["SK_ID_PREV"] % 8 == 0)
    return rows.assign(
        DAYS_ENTRY_PAYMENT=paid_on.mask(silent), AMT_PAYMENT=paid.mask(silent), NUM_INSTALMENT_NUMBER=number
    )

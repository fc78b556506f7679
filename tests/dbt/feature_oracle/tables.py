"""Raw tables as data frames, with the release's ways to say "unknown" taken out."""

from collections.abc import Mapping

import duckdb
import numpy as np
import pandas as pd

Tables = Mapping[str, pd.DataFrame]

CLIENT = "SK_ID_CURR"
HISTORIES = [
    "bureau",
    "bureau_balance",
    "previous_application",
    "installments_payments",
    "POS_CASH_balance",
    "credit_card_balance",
]
NEVER = 365243


def read_tables(con: duckdb.DuckDBPyConnection) -> Tables:
    """Raw tables by name, numbers as floats with NaN where nothing is known."""
    tables = {name: _read(con, name) for name in HISTORIES}
    applications = pd.concat([_read(con, "application_train"), _read(con, "application_test")])
    return {
        "applications": _applications(applications),
        "bureau": _bureau(tables["bureau"]),
        "bureau_balance": tables["bureau_balance"],
        "previous": _previous(tables["previous_application"]),
        "payments": _payments(tables["installments_payments"]),
        "pos": tables["POS_CASH_balance"],
        "card": _card(tables["credit_card_balance"]),
    }


def _read(con: duckdb.DuckDBPyConnection, name: str) -> pd.DataFrame:
    rows = con.execute(f'select * from raw."{name}"').df()
    numbers = [column for column in rows.select_dtypes("number") if not column.startswith("SK_ID")]
    return rows.astype(dict.fromkeys(numbers, "float64")).replace({"XNA": None, "XAP": None})


def _applications(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_index(CLIENT).assign(
        DAYS_EMPLOYED=lambda x: x["DAYS_EMPLOYED"].replace(NEVER, np.nan),
        DAYS_LAST_PHONE_CHANGE=lambda x: x["DAYS_LAST_PHONE_CHANGE"].replace(0, np.nan),
    )


def _bureau(rows: pd.DataFrame) -> pd.DataFrame:
    days = ["DAYS_CREDIT_ENDDATE", "DAYS_ENDDATE_FACT", "DAYS_CREDIT_UPDATE"]
    rows = rows.assign(**{name: rows[name].where(rows[name] >= -40000) for name in days})
    amounts = [name for name in rows if name.startswith("AMT_")]
    common = rows["CREDIT_CURRENCY"] == "currency 1"
    rows = rows.assign(**{name: rows[name].where(common) for name in amounts})
    return rows.assign(DAYS_CREDIT_UPDATE=rows["DAYS_CREDIT_UPDATE"].where(rows["DAYS_CREDIT_UPDATE"] <= 0))


def _previous(rows: pd.DataFrame) -> pd.DataFrame:
    days = ["DAYS_FIRST_DRAWING", "DAYS_FIRST_DUE", "DAYS_LAST_DUE_1ST_VERSION", "DAYS_LAST_DUE", "DAYS_TERMINATION"]
    running = (rows["DAYS_LAST_DUE"] == NEVER) & (rows["NAME_CONTRACT_STATUS"] == "Approved")
    return rows.assign(
        RUNNING=running,
        CNT_PAYMENT=rows["CNT_PAYMENT"].replace(0, np.nan),  # a revolving loan has no term
        **{name: rows[name].replace(NEVER, np.nan) for name in days},
    )


def _payments(rows: pd.DataFrame) -> pd.DataFrame:
    known = rows["DAYS_ENTRY_PAYMENT"] <= 0
    return rows.assign(**{name: rows[name].where(known) for name in ("DAYS_ENTRY_PAYMENT", "AMT_PAYMENT")})


def _card(rows: pd.DataFrame) -> pd.DataFrame:
    drawings = [name for name in rows if name.startswith("AMT_DRAWINGS")]
    return rows.assign(**{name: rows[name].where(rows[name] >= 0) for name in drawings})

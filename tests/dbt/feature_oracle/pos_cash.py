"""Monthly records of point-of-sale and cash loans."""

import numpy as np
import pandas as pd

from tests.dbt.feature_oracle.measures import (
    how_many,
    known_clients,
    largest,
    mean,
    newest_first,
    ratio,
    share,
    slope,
    smallest,
    total,
    total_or_none,
)
from tests.dbt.feature_oracle.tables import CLIENT, Tables


def pos_windows(tables: Tables) -> pd.DataFrame:
    rows = tables["pos"]
    rows = rows.assign(LEFT_SHARE=ratio(rows["CNT_INSTALMENT_FUTURE"], rows["CNT_INSTALMENT"]))
    features = {}
    for months, suffix in ((3, "_3m"), (12, "_12m"), (np.inf, "")):
        recent = rows[rows["MONTHS_BALANCE"] >= -months]
        features |= {
            f"pos_days_past_due_tolerated_max{suffix}": largest(recent, "SK_DPD_DEF"),
            f"pos_late_share{suffix}": share(recent, recent["SK_DPD"] > 0),
            f"pos_remaining_share_mean{suffix}": mean(recent, "LEFT_SHARE"),
        }
        if suffix != "_3m":
            features[f"pos_completed_share{suffix}"] = share(recent, recent["NAME_CONTRACT_STATUS"] == "Completed")
    features |= {
        "pos_remaining_share_min": smallest(rows, "LEFT_SHARE"),
        "pos_remaining_share_max": largest(rows, "LEFT_SHARE"),
        "pos_term_max": largest(rows, "CNT_INSTALMENT"),
    }
    return pd.DataFrame(features)


def pos_course(tables: Tables) -> pd.DataFrame:
    rows = tables["pos"]
    rows = rows.assign(LEFT_SHARE=ratio(rows["CNT_INSTALMENT_FUTURE"], rows["CNT_INSTALMENT"]))
    month, status = rows["MONTHS_BALANCE"], rows["NAME_CONTRACT_STATUS"]
    return pd.DataFrame(
        {
            "pos_days_past_due_tolerated_slope_12m": slope(rows[month >= -12], "SK_DPD_DEF", "MONTHS_BALANCE"),
            "pos_remaining_share_slope_12m": slope(rows[month >= -12], "LEFT_SHARE", "MONTHS_BALANCE"),
            "has_pos_cash_history": known_clients(tables["applications"], rows),
            "pos_month_count": rows.groupby(CLIENT).size(),
            "pos_months_min": smallest(rows, "MONTHS_BALANCE"),
            "pos_months_late_last": largest(rows[rows["SK_DPD"] > 0], "MONTHS_BALANCE"),
            "pos_active_month_share": share(rows, status == "Active"),
            "pos_months_max": largest(rows, "MONTHS_BALANCE"),
            "pos_signed_month_share": share(rows, status == "Signed"),
            "pos_returned_count": how_many(rows, status == "Returned to the store"),
            "pos_demand_month_share": share(rows, status.isin(["Demand", "Amortized debt"])),
        }
    )


def _pos_loans(tables: Tables) -> pd.DataFrame:
    """One row per loan: what its first and its newest record say."""
    rows = tables["pos"].sort_values("MONTHS_BALANCE")
    groups = rows.groupby("SK_ID_PREV")
    completed = rows[rows["NAME_CONTRACT_STATUS"] == "Completed"].groupby("SK_ID_PREV")["MONTHS_BALANCE"].min()
    loans = pd.DataFrame(
        {
            CLIENT: groups[CLIENT].last(),
            "FIRST": groups["MONTHS_BALANCE"].min(),
            "LAST": groups["MONTHS_BALANCE"].max(),
            "LEFT_AT_FIRST": groups["CNT_INSTALMENT_FUTURE"].first(),
            "TERM": groups["CNT_INSTALMENT"].last(),
            "TERMS": groups["CNT_INSTALMENT"].nunique(),
            "LEFT": groups["CNT_INSTALMENT_FUTURE"].last(),
            "STATUS": groups["NAME_CONTRACT_STATUS"].last(),
            "COMPLETED": completed,
            "DPD_MAX": groups["SK_DPD_DEF"].max(),
            "LATE_MONTHS": (rows["SK_DPD"] > 0).groupby(rows["SK_ID_PREV"]).sum(),
        }
    ).reset_index()
    return newest_first(loans, "FIRST", "SK_ID_PREV").assign(LEFT_SHARE=lambda x: ratio(x["LEFT"], x["TERM"]))


def pos_loans(tables: Tables) -> pd.DataFrame:
    loans = _pos_loans(tables)
    running = (loans["STATUS"] == "Active") & (loans["LAST"] >= -2)
    newest = loans[loans["RANK"] == 1]
    return pd.DataFrame(
        {
            "pos_loan_count": loans.groupby(CLIENT).size(),
            "pos_active_loan_count": how_many(loans, running),
            "pos_completed_loan_share": share(loans, loans["COMPLETED"].notna()),
            "pos_active_remaining_sum": total_or_none(loans, running, "LEFT"),
            "pos_remaining_share_last_loan": largest(newest, "LEFT_SHARE"),
            "pos_days_past_due_max_last_loan": largest(newest, "DPD_MAX"),
            "pos_late_month_count_last_3_loans": total(loans[loans["RANK"] <= 3], "LATE_MONTHS"),
            "pos_term_change_count": total(loans.assign(CHANGES=(loans["TERMS"] - 1).clip(lower=0)), "CHANGES"),
        }
    )


def pos_early_completion(tables: Tables) -> pd.DataFrame:
    """Completed in fewer months than instalments were left at first; the term is shortened when a loan ends early."""
    loans = _pos_loans(tables)
    completed = loans[loans["COMPLETED"].notna()]
    early = completed["COMPLETED"] - completed["FIRST"] < completed["LEFT_AT_FIRST"]
    return pd.DataFrame({"pos_completed_early_share": share(completed, early)})

"""Loans at the credit bureau and their monthly history."""

import pandas as pd

from tests.dbt.feature_oracle.measures import (
    how_many,
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


def bureau_groups(tables: Tables) -> pd.DataFrame:
    loans = tables["bureau"]
    loans = loans.assign(DEBT_SHARE=ratio(loans["AMT_CREDIT_SUM_DEBT"], loans["AMT_CREDIT_SUM"]))
    groups = {
        "": loans.index >= 0,
        "active_": loans["CREDIT_ACTIVE"] == "Active",
        "closed_": loans["CREDIT_ACTIVE"] == "Closed",
        "consumer_": loans["CREDIT_TYPE"] == "Consumer credit",
        "card_": loans["CREDIT_TYPE"] == "Credit card",
        "12m_": loans["DAYS_CREDIT"] >= -360,
    }
    features = {}
    for name, group in groups.items():
        where = pd.Series(group, index=loans.index)
        rows = loans[where]
        if name in {"", "active_", "card_", "12m_"}:
            features[f"bureau_{name}days_credit_mean"] = mean(rows, "DAYS_CREDIT")
            features[f"bureau_{name}days_credit_max"] = largest(rows, "DAYS_CREDIT")
        if name in {"", "active_"}:
            features[f"bureau_{name}days_credit_enddate_max"] = largest(rows, "DAYS_CREDIT_ENDDATE")
        if name in {"", "active_", "closed_"}:
            features[f"bureau_{name}overdue_ever_max"] = largest(rows, "AMT_CREDIT_MAX_OVERDUE")
        if name != "12m_":
            features[f"bureau_{name}loan_count"] = how_many(loans, where)
            features[f"bureau_{name}credit_sum"] = total_or_none(loans, where, "AMT_CREDIT_SUM")
        if name not in {"12m_", "closed_"}:
            features[f"bureau_{name}debt_sum"] = total_or_none(loans, where, "AMT_CREDIT_SUM_DEBT")
        if name != "closed_":
            features[f"bureau_{name}debt_to_credit_ratio_mean"] = mean(rows, "DEBT_SHARE")
    return pd.DataFrame(features)


def bureau_windows(tables: Tables) -> pd.DataFrame:
    loans = tables["bureau"]
    features = {}
    for months in (6, 12, 24, 36):
        features[f"bureau_loan_count_{months}m"] = how_many(loans, loans["DAYS_CREDIT"] >= -30 * months)
    year = loans["DAYS_CREDIT"] >= -360
    features["bureau_credit_sum_12m"] = total_or_none(loans, year, "AMT_CREDIT_SUM")
    features["bureau_debt_sum_12m"] = total_or_none(loans, year, "AMT_CREDIT_SUM_DEBT")
    return pd.DataFrame(features)


def bureau_times(tables: Tables) -> pd.DataFrame:
    loans = newest_first(tables["bureau"], "DAYS_CREDIT", "SK_ID_BUREAU").assign(
        GAP=lambda x: x.groupby(CLIENT)["DAYS_CREDIT"].diff(-1),
        CLOSED_AFTER=lambda x: x["DAYS_ENDDATE_FACT"] - x["DAYS_CREDIT_ENDDATE"],
        PLANNED=lambda x: x["DAYS_CREDIT_ENDDATE"] - x["DAYS_CREDIT"],
    )
    return pd.DataFrame(
        {
            "bureau_credit_type_count": loans.groupby(CLIENT)["CREDIT_TYPE"].nunique(),
            "bureau_days_between_loans_mean": mean(loans, "GAP"),
            "bureau_days_between_loans_min": smallest(loans, "GAP"),
            "bureau_closed_after_planned_days_mean": mean(loans, "CLOSED_AFTER"),
            "bureau_planned_days_mean": mean(loans, "PLANNED"),
            "bureau_days_credit_update_max": largest(loans, "DAYS_CREDIT_UPDATE"),
            "bureau_overdue_ever_last_loan": largest(loans[loans["RANK"] == 1], "AMT_CREDIT_MAX_OVERDUE"),
            "bureau_credit_last_loan": largest(loans[loans["RANK"] == 1], "AMT_CREDIT_SUM"),
            "bureau_active_share_last_3_loans": share(
                loans[loans["RANK"] <= 3], loans.loc[loans["RANK"] <= 3, "CREDIT_ACTIVE"] == "Active"
            ),
        }
    )


def bureau_against_application(tables: Tables) -> pd.DataFrame:
    x, loans = tables["applications"], tables["bureau"]
    active = loans["CREDIT_ACTIVE"] == "Active"
    active_debt = total_or_none(loans, active, "AMT_CREDIT_SUM_DEBT")
    debt, credit = total(loans, "AMT_CREDIT_SUM_DEBT"), total(loans, "AMT_CREDIT_SUM")
    return pd.DataFrame(
        {
            "has_bureau_history": pd.Series(x.index.isin(loans[CLIENT]), index=x.index),
            "bureau_debt_to_credit_ratio": ratio(debt, credit),
            "bureau_active_debt_to_credit_ratio": ratio(active_debt, total_or_none(loans, active, "AMT_CREDIT_SUM")),
            "bureau_debt_to_income_ratio": ratio(debt, x["AMT_INCOME_TOTAL"]),
            "bureau_debt_to_application_annuity_ratio": ratio(debt, x["AMT_ANNUITY"]),
            "bureau_active_annuity_to_income_ratio": ratio(
                total_or_none(loans, active, "AMT_ANNUITY"), x["AMT_INCOME_TOTAL"]
            ),
        }
    )


def bureau_history(tables: Tables) -> pd.DataFrame:
    """Monthly history of bureau loans: status 1 to 5 is late, 0 and C (closed) are not, X says nothing."""
    loans = tables["bureau"]
    months = tables["bureau_balance"].merge(loans[["SK_ID_BUREAU", CLIENT]], on="SK_ID_BUREAU")
    months = months.assign(GRADE=pd.to_numeric(months["STATUS"].replace({"C": "0", "X": None})))
    late = months["GRADE"] > 0
    recent = months[months["MONTHS_BALANCE"] > -12]  # month 0, that of the application, is the first of twelve
    return pd.DataFrame(
        {
            "bureau_balance_loan_count": how_many(loans, loans["SK_ID_BUREAU"].isin(months["SK_ID_BUREAU"])),
            "bureau_balance_late_month_share": share(months, late),
            "bureau_balance_unknown_month_share": share(months, months["STATUS"] == "X"),
            "bureau_balance_closed_month_share": share(months, months["STATUS"] == "C"),
            "bureau_balance_late_month_count_6m": how_many(months, late & (months["MONTHS_BALANCE"] > -6)),
            "bureau_balance_late_month_count_24m": how_many(months, late & (months["MONTHS_BALANCE"] > -24)),
            "bureau_balance_severity_max": largest(months, "GRADE"),
            "bureau_balance_severity_max_12m": largest(recent, "GRADE"),
            "bureau_balance_severity_mean": _mean_over_loans(months.groupby([CLIENT, "SK_ID_BUREAU"])["GRADE"].mean()),
            "bureau_balance_severity_mean_12m": _mean_over_loans(
                recent.groupby([CLIENT, "SK_ID_BUREAU"])["GRADE"].mean()
            ),
            "bureau_balance_severity_slope_mean": _mean_slope_over_loans(months),
            "bureau_balance_months_late_last": largest(months[late], "MONTHS_BALANCE"),
        }
    )


def _mean_over_loans(of_loans: pd.Series) -> pd.Series:
    return of_loans.groupby(level=CLIENT).mean()


def _mean_slope_over_loans(months: pd.DataFrame) -> pd.Series:
    of_loans = slope(months, "GRADE", "MONTHS_BALANCE", by="SK_ID_BUREAU")
    clients = months.drop_duplicates("SK_ID_BUREAU").set_index("SK_ID_BUREAU")[CLIENT]
    return of_loans.groupby(clients.reindex(of_loans.index)).mean()

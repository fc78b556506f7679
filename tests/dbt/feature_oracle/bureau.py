"""Loans at the credit bureau and their monthly history."""

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
    statistics,
    total,
    total_or_none,
)
from tests.dbt.feature_oracle.tables import CLIENT, Tables


def bureau_groups(tables: Tables) -> pd.DataFrame:
    """Every statistic of every kind of loan, of which the mart has some."""
    loans = tables["bureau"]
    loans = loans.assign(DEBT_SHARE=ratio(loans["AMT_CREDIT_SUM_DEBT"], loans["AMT_CREDIT_SUM"]))
    status, kind = loans["CREDIT_ACTIVE"], loans["CREDIT_TYPE"]
    groups = {
        "": pd.Series(True, index=loans.index),
        "active_": status == "Active",
        "closed_": status == "Closed",
        "consumer_": kind == "Consumer credit",
        "card_": kind == "Credit card",
        "car_": kind == "Car loan",
        "mortgage_": kind == "Mortgage",
        "microloan_": kind == "Microloan",
        "12m_": loans["DAYS_CREDIT"] >= -360,
    }
    measures = {
        "credit": "AMT_CREDIT_SUM",
        "debt": "AMT_CREDIT_SUM_DEBT",
        "debt_to_credit_ratio": "DEBT_SHARE",
        "days_credit": "DAYS_CREDIT",
        "days_credit_enddate": "DAYS_CREDIT_ENDDATE",
        "overdue_ever": "AMT_CREDIT_MAX_OVERDUE",
    }
    features = {}
    for group, where in groups.items():
        features[f"bureau_{group}loan_count"] = how_many(loans, where)
        for measure, column in measures.items():
            features |= statistics(loans, where, column, f"bureau_{group}{measure}")
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
        ENDED_AFTER=lambda x: x["DAYS_ENDDATE_FACT"] - x["DAYS_CREDIT_ENDDATE"],
        PLANNED=lambda x: x["DAYS_CREDIT_ENDDATE"] - x["DAYS_CREDIT"],
    )
    active, newest = loans[loans["CREDIT_ACTIVE"] == "Active"], loans[loans["RANK"] == 1]
    newest_three = loans[loans["RANK"] <= 3]
    return pd.DataFrame(
        {
            "bureau_credit_type_count": loans.groupby(CLIENT)["CREDIT_TYPE"].nunique(),
            "bureau_days_between_loans_mean": mean(loans, "GAP"),
            "bureau_days_between_loans_min": smallest(loans, "GAP"),
            "bureau_days_enddate_fact_max": largest(loans, "DAYS_ENDDATE_FACT"),
            "bureau_closed_after_planned_days_mean": mean(loans, "ENDED_AFTER"),
            "bureau_closed_after_planned_days_max": largest(loans, "ENDED_AFTER"),
            "bureau_planned_days_mean": mean(loans, "PLANNED"),
            "bureau_active_planned_days_mean": mean(active, "PLANNED"),
            "bureau_days_credit_update_mean": mean(loans, "DAYS_CREDIT_UPDATE"),
            "bureau_days_credit_update_max": largest(loans, "DAYS_CREDIT_UPDATE"),
            "bureau_overdue_ever_last_loan": largest(newest, "AMT_CREDIT_MAX_OVERDUE"),
            "bureau_credit_last_loan": largest(newest, "AMT_CREDIT_SUM"),
            "bureau_active_share_last_3_loans": share(newest_three, newest_three["CREDIT_ACTIVE"] == "Active"),
        }
    )


def bureau_amounts(tables: Tables) -> pd.DataFrame:
    loans = tables["bureau"]
    return pd.DataFrame(
        {
            "bureau_credit_limit_sum": total(loans, "AMT_CREDIT_SUM_LIMIT"),
            "bureau_active_annuity_sum": active_annuity(tables),
            "bureau_annuity_max": largest(loans, "AMT_ANNUITY"),
            "bureau_days_overdue_max": largest(loans, "CREDIT_DAY_OVERDUE"),
            "bureau_overdue_sum": total(loans, "AMT_CREDIT_SUM_OVERDUE"),
            "bureau_overdue_ever_loan_count": how_many(loans, loans["AMT_CREDIT_MAX_OVERDUE"] > 0),
            "bureau_overdue_to_credit_ratio_max": largest(
                loans.assign(WORST=ratio(loans["AMT_CREDIT_MAX_OVERDUE"], loans["AMT_CREDIT_SUM"])), "WORST"
            ),
            "bureau_prolongation_count": total(loans, "CNT_CREDIT_PROLONG"),
        }
    )


def active_debt(tables: Tables) -> pd.Series:
    """Present debt of the loans still running, summed; 0 when none is."""
    return total_or_none(tables["bureau"], tables["bureau"]["CREDIT_ACTIVE"] == "Active", "AMT_CREDIT_SUM_DEBT")


def active_annuity(tables: Tables) -> pd.Series:
    """Annuities of the loans still running, summed; 0 when none is."""
    return total_or_none(tables["bureau"], tables["bureau"]["CREDIT_ACTIVE"] == "Active", "AMT_ANNUITY")


def bureau_against_application(tables: Tables) -> pd.DataFrame:
    x, loans = tables["applications"], tables["bureau"]
    active, card = loans["CREDIT_ACTIVE"] == "Active", loans["CREDIT_TYPE"] == "Credit card"
    granted = total_or_none(loans, active, "AMT_CREDIT_SUM")
    debt, credit = total(loans, "AMT_CREDIT_SUM_DEBT"), total(loans, "AMT_CREDIT_SUM")
    return pd.DataFrame(
        {
            "has_bureau_history": known_clients(x, loans),
            "bureau_active_loan_share": share(loans, active),
            "bureau_debt_to_credit_ratio": ratio(debt, credit),
            "bureau_active_debt_to_credit_ratio": ratio(active_debt(tables), granted),
            "bureau_card_debt_to_credit_ratio": ratio(
                total(loans[card], "AMT_CREDIT_SUM_DEBT"), total(loans[card], "AMT_CREDIT_SUM")
            ),
            "bureau_active_credit_minus_debt": granted - active_debt(tables),
            "bureau_debt_to_income_ratio": ratio(debt, x["AMT_INCOME_TOTAL"]),
            "bureau_credit_to_income_ratio": ratio(credit, x["AMT_INCOME_TOTAL"]),
            "bureau_debt_to_application_credit_ratio": ratio(debt, x["AMT_CREDIT"]),
            "bureau_debt_to_application_annuity_ratio": ratio(debt, x["AMT_ANNUITY"]),
            "bureau_active_annuity_to_income_ratio": ratio(active_annuity(tables), x["AMT_INCOME_TOTAL"]),
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
            "bureau_balance_month_count": months.groupby(CLIENT).size(),
            "bureau_balance_late_month_share": share(months, late),
            "bureau_balance_unknown_month_share": share(months, months["STATUS"] == "X"),
            "bureau_balance_closed_month_share": share(months, months["STATUS"] == "C"),
            "bureau_balance_late_month_count_6m": how_many(months, late & (months["MONTHS_BALANCE"] > -6)),
            "bureau_balance_late_month_count_12m": how_many(months, late & (months["MONTHS_BALANCE"] > -12)),
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

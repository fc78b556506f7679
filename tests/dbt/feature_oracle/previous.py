"""Previous applications at Home Credit."""

import pandas as pd

from tests.dbt.feature_oracle.measures import (
    how_many,
    known_clients,
    largest,
    mean,
    newest_first,
    ratio,
    share,
    smallest,
    statistics,
    total_or_none,
    yearly_interest,
)
from tests.dbt.feature_oracle.tables import CLIENT, Tables


def previous_groups(tables: Tables) -> pd.DataFrame:
    """Every statistic of every kind of application, of which the mart has some."""
    rows = with_rates(tables)
    status, kind = rows["NAME_CONTRACT_STATUS"], rows["NAME_CONTRACT_TYPE"]
    groups = {
        "": pd.Series(True, index=rows.index),
        "approved_": status == "Approved",
        "refused_": status == "Refused",
        "running_": rows["RUNNING"],
        "cash_": kind == "Cash loans",
        "consumer_": kind == "Consumer loans",
        "last_1_": rows["RANK"] == 1,
    }
    measures = {
        "amt_application": "AMT_APPLICATION",
        "amt_credit": "AMT_CREDIT",
        "amt_annuity": "AMT_ANNUITY",
        "application_to_credit_ratio": "ASKED_TO_GRANTED",
        "credit_to_annuity_ratio": "TERM_PROXY",
        "cnt_payment": "CNT_PAYMENT",
        "days_decision": "DAYS_DECISION",
        "interest_share": "INTEREST_SHARE",
        "interest_rate": "INTEREST_RATE",
        "rate_down_payment": "RATE_DOWN_PAYMENT",
    }
    features = {}
    for group, where in groups.items():
        features[f"previous_{group}count"] = how_many(rows, where)
        for measure, column in measures.items():
            features |= statistics(rows, where, column, f"previous_{group}{measure}")
    return pd.DataFrame(features)


def previous_last(tables: Tables) -> pd.DataFrame:
    rows = with_rates(tables)
    last = rows[rows["RANK"] == 1].set_index(CLIENT)
    texts = [
        "PRODUCT_COMBINATION",
        "CODE_REJECT_REASON",
        "NAME_YIELD_GROUP",
        "NAME_GOODS_CATEGORY",
        "CHANNEL_TYPE",
        "NAME_CLIENT_TYPE",
        "NAME_CONTRACT_STATUS",
    ]
    return pd.DataFrame({f"previous_{name.lower()}_last": last[name] for name in texts})


def with_rates(tables: Tables) -> pd.DataFrame:
    rows = newest_first(
        tables["previous"], "DAYS_DECISION", "NFLAG_LAST_APPL_IN_DAY", "HOUR_APPR_PROCESS_START", "SK_ID_PREV"
    )
    credit, annuity, term = rows["AMT_CREDIT"], rows["AMT_ANNUITY"], rows["CNT_PAYMENT"]
    return rows.assign(
        ASKED_TO_GRANTED=ratio(rows["AMT_APPLICATION"], credit),
        TERM_PROXY=ratio(credit, annuity),
        INTEREST_SHARE=ratio(term * annuity - credit, credit),
        INTEREST_RATE=yearly_interest(credit, annuity, term),
        PAID_EARLY=rows["DAYS_LAST_DUE_1ST_VERSION"] - rows["DAYS_LAST_DUE"],
    )


def previous_shares(tables: Tables) -> pd.DataFrame:
    rows = with_rates(tables)
    status = rows["NAME_CONTRACT_STATUS"]
    features = {
        "previous_cancelled_count": how_many(rows, status == "Canceled"),
        "previous_revolving_count": how_many(rows, rows["NAME_CONTRACT_TYPE"] == "Revolving loans"),
        "previous_approved_share": share(rows, status == "Approved"),
        "previous_refused_share": share(rows, status == "Refused"),
        "previous_cancelled_share": share(rows, status == "Canceled"),
        "previous_insured_share": mean(rows, "NFLAG_INSURED_ON_APPROVAL"),
    }
    for reason in ("HC", "SCO", "SCOFR", "LIMIT", "CLIENT", "VERIF", "SYSTEM"):
        features[f"previous_reject_{reason.lower()}_share"] = share(rows, rows["CODE_REJECT_REASON"] == reason)
    for group in ("high", "middle", "low_normal", "low_action"):
        features[f"previous_{group}_yield_share"] = share(rows, rows["NAME_YIELD_GROUP"] == group)
    for last in (1, 3, 5):
        newest = rows[rows["RANK"] <= last]
        status = newest["NAME_CONTRACT_STATUS"]
        features[f"previous_refused_share_last_{last}"] = share(newest, status == "Refused")
        features[f"previous_approved_share_last_{last}"] = share(newest, status == "Approved")
    return pd.DataFrame(features)


def previous_windows(tables: Tables) -> pd.DataFrame:
    rows = tables["previous"]
    status, features = rows["NAME_CONTRACT_STATUS"], {}
    for months in (6, 12, 24):
        recent = rows["DAYS_DECISION"] >= -30 * months
        approved = recent & (status == "Approved")
        features |= {
            f"previous_count_{months}m": how_many(rows, recent),
            f"previous_refused_count_{months}m": how_many(rows, recent & (status == "Refused")),
            f"previous_approved_count_{months}m": how_many(rows, approved),
            f"previous_approved_amt_credit_sum_{months}m": total_or_none(rows, approved, "AMT_CREDIT"),
        }
    return pd.DataFrame(features)


def previous_times(tables: Tables) -> pd.DataFrame:
    rows = with_rates(tables)
    area = rows["SELLERPLACE_AREA"]
    return pd.DataFrame(
        {
            "previous_days_paid_early_mean": mean(rows, "PAID_EARLY"),
            "previous_days_paid_early_max": largest(rows, "PAID_EARLY"),
            "previous_days_last_due_max": largest(rows, "DAYS_LAST_DUE"),
            "previous_days_last_due_1st_version_max": largest(rows, "DAYS_LAST_DUE_1ST_VERSION"),
            "previous_days_first_due_min": smallest(rows, "DAYS_FIRST_DUE"),
            "previous_sellerplace_area_mean": mean(rows.assign(AREA=area.where(area >= 0)), "AREA"),
            "previous_hour_mean": mean(rows, "HOUR_APPR_PROCESS_START"),
        }
    )


def previous_against_application(tables: Tables) -> pd.DataFrame:
    x, rows = tables["applications"], with_rates(tables)
    approved = rows[rows["NAME_CONTRACT_STATUS"] == "Approved"]
    return pd.DataFrame(
        {
            "has_previous_application": known_clients(x, rows),
            "previous_approved_credit_to_application_credit_ratio": ratio(
                mean(approved, "AMT_CREDIT"), x["AMT_CREDIT"]
            ),
            "previous_approved_annuity_to_application_annuity_ratio": ratio(
                largest(approved, "AMT_ANNUITY"), x["AMT_ANNUITY"]
            ),
            "previous_approved_annuity_mean_to_application_annuity_ratio": ratio(
                mean(approved, "AMT_ANNUITY"), x["AMT_ANNUITY"]
            ),
            "previous_application_goods_price_to_amt_application_ratio": ratio(
                x["AMT_GOODS_PRICE"], mean(rows, "AMT_APPLICATION")
            ),
            "previous_running_annuity_sum": running_annuity(tables),
            "previous_running_annuity_to_income_ratio": ratio(running_annuity(tables), x["AMT_INCOME_TOTAL"]),
            "previous_credit_to_annuity_difference": (
                ratio(x["AMT_CREDIT"], x["AMT_ANNUITY"]) - mean(approved, "TERM_PROXY")
            ),
        }
    )


def running_annuity(tables: Tables) -> pd.Series:
    """Annuities of Home Credit loans still running, summed; 0 when none is."""
    rows = tables["previous"]
    return total_or_none(rows, rows["RUNNING"], "AMT_ANNUITY")


def running_payments(tables: Tables) -> pd.DataFrame:
    future = future_payments(tables)
    income = tables["applications"]["AMT_INCOME_TOTAL"]
    return pd.DataFrame(
        {
            "previous_running_future_payment_sum": future,
            "previous_running_future_payment_to_income_ratio": ratio(future, income),
        }
    )


def future_payments(tables: Tables) -> pd.Series:
    """What is still to be paid on running loans: annuity times months until the first schedule's last due date."""
    rows = tables["previous"]
    months_left = (rows["DAYS_LAST_DUE_1ST_VERSION"] / 30).clip(lower=0)
    return total_or_none(rows.assign(FUTURE=rows["AMT_ANNUITY"] * months_left), rows["RUNNING"], "FUTURE")

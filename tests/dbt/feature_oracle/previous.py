"""Previous applications at Home Credit."""

import pandas as pd

from tests.dbt.feature_oracle.measures import (
    how_many,
    largest,
    mean,
    newest_first,
    ratio,
    share,
    smallest,
    total_or_none,
    yearly_interest,
)
from tests.dbt.feature_oracle.tables import CLIENT, Tables


def previous_groups(tables: Tables) -> pd.DataFrame:
    rows = with_rates(tables)
    groups = {
        "": rows,
        "approved_": rows[rows["NAME_CONTRACT_STATUS"] == "Approved"],
        "refused_": rows[rows["NAME_CONTRACT_STATUS"] == "Refused"],
        "running_": rows[rows["RUNNING"]],
        "cash_": rows[rows["NAME_CONTRACT_TYPE"] == "Cash loans"],
        "consumer_": rows[rows["NAME_CONTRACT_TYPE"] == "Consumer loans"],
    }
    features = {}
    for name, group in groups.items():
        features[f"previous_{name}days_decision_max"] = largest(group, "DAYS_DECISION")
        if name != "running_":
            features[f"previous_{name}amt_application_mean"] = mean(group, "AMT_APPLICATION")
        if name in {"refused_", "running_"}:
            continue
        features |= {
            f"previous_{name}amt_annuity_mean": mean(group, "AMT_ANNUITY"),
            f"previous_{name}application_to_credit_ratio_mean": mean(group, "ASKED_TO_GRANTED"),
            f"previous_{name}credit_to_annuity_ratio_mean": mean(group, "TERM_PROXY"),
            f"previous_{name}cnt_payment_mean": mean(group, "CNT_PAYMENT"),
            f"previous_{name}interest_share_mean": mean(group, "INTEREST_SHARE"),
            f"previous_{name}interest_rate_mean": mean(group, "INTEREST_RATE"),
            f"previous_{name}interest_rate_min": smallest(group, "INTEREST_RATE"),
        }
        if name in {"", "approved_"}:
            features |= {
                f"previous_{name}amt_credit_max": largest(group, "AMT_CREDIT"),
                f"previous_{name}interest_rate_max": largest(group, "INTEREST_RATE"),
            }
    features["previous_rate_down_payment_mean"] = mean(rows, "RATE_DOWN_PAYMENT")
    return pd.DataFrame(features)


def previous_last(tables: Tables) -> pd.DataFrame:
    rows = with_rates(tables)
    last = rows[rows["RANK"] == 1].set_index(CLIENT)
    return pd.DataFrame(
        {
            "previous_last_1_amt_credit_mean": last["AMT_CREDIT"],
            "previous_last_1_cnt_payment_mean": last["CNT_PAYMENT"],
            "previous_last_1_interest_rate_mean": last["INTEREST_RATE"],
            "previous_product_combination_last": last["PRODUCT_COMBINATION"],
            "previous_code_reject_reason_last": last["CODE_REJECT_REASON"],
            "previous_name_contract_status_last": last["NAME_CONTRACT_STATUS"],
        }
    )


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
    status, day = rows["NAME_CONTRACT_STATUS"], rows["DAYS_DECISION"]
    features = {
        "previous_count": how_many(rows, status.notna()),
        "previous_cancelled_count": how_many(rows, status == "Canceled"),
        "previous_approved_share": share(rows, status == "Approved"),
        "previous_refused_share": share(rows, status == "Refused"),
        "previous_reject_hc_share": share(rows, rows["CODE_REJECT_REASON"] == "HC"),
        "previous_reject_scofr_share": share(rows, rows["CODE_REJECT_REASON"] == "SCOFR"),
        "previous_reject_limit_share": share(rows, rows["CODE_REJECT_REASON"] == "LIMIT"),
        "previous_high_yield_share": share(rows, rows["NAME_YIELD_GROUP"] == "high"),
        "previous_days_paid_early_mean": mean(rows, "PAID_EARLY"),
        "previous_insured_share": mean(rows, "NFLAG_INSURED_ON_APPROVAL"),
    }
    for last in (1, 3, 5):
        newest = rows[rows["RANK"] <= last]
        features[f"previous_refused_share_last_{last}"] = share(newest, newest["NAME_CONTRACT_STATUS"] == "Refused")
    for months in (6, 12, 24):
        recent = day >= -30 * months
        features |= {
            f"previous_count_{months}m": how_many(rows, recent),
            f"previous_refused_count_{months}m": how_many(rows, recent & (status == "Refused")),
            f"previous_approved_amt_credit_sum_{months}m": total_or_none(
                rows, recent & (status == "Approved"), "AMT_CREDIT"
            ),
        }
    return pd.DataFrame(features)


def previous_against_application(tables: Tables) -> pd.DataFrame:
    x, rows = tables["applications"], with_rates(tables)
    approved = rows[rows["NAME_CONTRACT_STATUS"] == "Approved"]
    return pd.DataFrame(
        {
            "has_previous_application": pd.Series(x.index.isin(rows[CLIENT]), index=x.index),
            "previous_running_count": how_many(rows, rows["RUNNING"]),
            "previous_approved_credit_to_application_credit_ratio": ratio(
                mean(approved, "AMT_CREDIT"), x["AMT_CREDIT"]
            ),
            "previous_approved_annuity_to_application_annuity_ratio": ratio(
                largest(approved, "AMT_ANNUITY"), x["AMT_ANNUITY"]
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

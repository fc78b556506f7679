"""All sources together."""

import pandas as pd

from tests.dbt.feature_oracle.bureau import active_annuity, active_debt, bureau_history
from tests.dbt.feature_oracle.credit_card import card_newest
from tests.dbt.feature_oracle.instalments import instalments
from tests.dbt.feature_oracle.measures import (
    how_many,
    largest,
    mean,
    over_terms,
    ratio,
    share,
    smallest,
    yearly_interest,
)
from tests.dbt.feature_oracle.previous import future_payments, running_annuity, with_rates
from tests.dbt.feature_oracle.tables import CLIENT, Tables


def cross_debts(tables: Tables) -> pd.DataFrame:
    x = tables["applications"]
    balance = card_newest(tables)["card_balance_last"]
    debts = pd.DataFrame({"B": active_debt(tables), "H": future_payments(tables), "C": balance})
    debts = debts.reindex(x.index)
    debt = debts.sum(axis=1, min_count=1)
    return pd.DataFrame(
        {
            "cross_debt_sum": debt,
            "cross_debt_to_income_ratio": ratio(debt, x["AMT_INCOME_TOTAL"]),
            "cross_debt_to_application_credit_ratio": ratio(debt, x["AMT_CREDIT"]),
            "cross_debt_with_application_to_income_ratio": ratio(
                debt.fillna(0) + x["AMT_CREDIT"], x["AMT_INCOME_TOTAL"]
            ),
            "cross_home_credit_debt_ratio": ratio(debts[["H", "C"]].sum(axis=1), debt),
        }
    )


def cross_duties(tables: Tables) -> pd.DataFrame:
    x = tables["applications"]
    duties = pd.DataFrame({"B": active_annuity(tables), "H": running_annuity(tables)}).reindex(x.index)
    duty = duties.sum(axis=1, min_count=1)
    return pd.DataFrame(
        {
            "cross_duty_with_application_to_income_ratio": ratio(
                duty.fillna(0) + x["AMT_ANNUITY"], x["AMT_INCOME_TOTAL"]
            ),
            "cross_duty_to_application_annuity_ratio": ratio(duty, x["AMT_ANNUITY"]),
        }
    )


def cross_times(tables: Tables) -> pd.DataFrame:
    x, bureau, previous, due = tables["applications"], tables["bureau"], tables["previous"], instalments(tables)
    pos, card = tables["pos"], tables["card"]
    sources = [bureau, previous, due, pos, card]
    first = [
        smallest(bureau, "DAYS_CREDIT"),
        smallest(previous, "DAYS_DECISION"),
        smallest(due, "DUE"),
        30 * smallest(pos, "MONTHS_BALANCE"),
        30 * smallest(card, "MONTHS_BALANCE"),
    ]
    late = [
        30 * bureau_history(tables)["bureau_balance_months_late_last"],
        30 * largest(pos[pos["SK_DPD"] > 0], "MONTHS_BALANCE"),
        30 * largest(card[card["SK_DPD"] > 0], "MONTHS_BALANCE"),
        largest(due[due["LATE"] > 0], "DUE"),
    ]
    worst = [largest(due, "LATE"), largest(pos, "SK_DPD_DEF"), largest(card, "SK_DPD_DEF")]
    approved = how_many(previous, previous["NAME_CONTRACT_STATUS"] == "Approved")
    return pd.DataFrame(
        {
            "cross_source_count": sum(
                pd.Series(x.index.isin(rows[CLIENT]), index=x.index).astype(int) for rows in sources
            ),
            "cross_days_first_contact": pd.concat(first, axis=1).min(axis=1),
            "cross_days_late_last": pd.concat(late, axis=1).max(axis=1),
            "cross_days_past_due_max": pd.concat(worst, axis=1).max(axis=1),
            "cross_home_credit_to_bureau_loan_ratio": ratio(approved, bureau.groupby(CLIENT).size()),
        }
    )


def cross_peers(tables: Tables) -> pd.DataFrame:
    x, rows = tables["applications"], with_rates(tables)
    approved = rows[rows["NAME_CONTRACT_STATUS"] == "Approved"]
    term = mean(approved, "CNT_PAYMENT").reindex(x.index)
    peers = over_terms(x, term)
    credit, annuity = x["AMT_CREDIT"], x["AMT_ANNUITY"]
    return pd.DataFrame(
        {
            "cross_product_term_cnt_payment_mean": peers,
            "cross_product_term_cnt_payment_difference": term - peers,
            "cross_product_term_interest_rate_mean": over_terms(x, mean(approved, "INTEREST_RATE")),
            "cross_product_term_refused_share": over_terms(x, share(rows, rows["NAME_CONTRACT_STATUS"] == "Refused")),
            "cross_interest_rate_at_previous_term": yearly_interest(credit, annuity, term),
            "cross_interest_rate_at_peers_term": yearly_interest(credit, annuity, peers),
        }
    )

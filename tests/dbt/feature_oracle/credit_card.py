"""Monthly records of credit cards."""

import numpy as np
import pandas as pd

from tests.dbt.feature_oracle.measures import known_clients, largest, mean, ratio, share, slope, smallest, spread, total
from tests.dbt.feature_oracle.tables import CLIENT, Tables


def card_windows(tables: Tables) -> pd.DataFrame:
    rows = _card_rows(tables)
    features = {}
    for months, suffix in ((3, "_3m"), (12, "_12m"), (np.inf, "")):
        recent = rows[rows["MONTHS_BALANCE"] >= -months]
        features |= {
            f"card_balance_mean{suffix}": mean(recent, "AMT_BALANCE"),
            f"card_utilisation_mean{suffix}": mean(recent, "USED"),
            f"card_utilisation_max{suffix}": largest(recent, "USED"),
            f"card_drawings_mean{suffix}": mean(recent, "AMT_DRAWINGS_CURRENT"),
            f"card_payment_mean{suffix}": mean(recent, "AMT_PAYMENT_CURRENT"),
            f"card_payment_to_minimum_ratio_mean{suffix}": mean(recent, "PAID_TO_MINIMUM"),
        }
    features |= {
        "card_drawings_atm_count_mean": mean(rows, "CNT_DRAWINGS_ATM_CURRENT"),
        "card_drawings_atm_count_max": largest(rows, "CNT_DRAWINGS_ATM_CURRENT"),
        "card_drawings_count_mean": mean(rows, "CNT_DRAWINGS_CURRENT"),
        "card_drawings_count_max": largest(rows, "CNT_DRAWINGS_CURRENT"),
        "card_drawings_max": largest(rows, "AMT_DRAWINGS_CURRENT"),
        "card_drawings_atm_max": largest(rows, "AMT_DRAWINGS_ATM_CURRENT"),
        "card_drawings_atm_sum": total(rows, "AMT_DRAWINGS_ATM_CURRENT"),
        "card_drawings_pos_mean": mean(rows, "AMT_DRAWINGS_POS_CURRENT"),
        "card_limit_max": largest(rows, "AMT_CREDIT_LIMIT_ACTUAL"),
        "card_limit_min": smallest(rows, "AMT_CREDIT_LIMIT_ACTUAL"),
        "card_payment_max": largest(rows, "AMT_PAYMENT_CURRENT"),
        "card_paid_instalments_max": largest(rows, "CNT_INSTALMENT_MATURE_CUM"),
        "card_limit_mean": mean(rows, "AMT_CREDIT_LIMIT_ACTUAL"),
        "card_payment_to_minimum_ratio_min": smallest(rows, "PAID_TO_MINIMUM"),
        "card_utilisation_min": smallest(rows, "USED"),
    }
    return pd.DataFrame(features)


def _card_rows(tables: Tables) -> pd.DataFrame:
    rows = tables["card"]
    return rows.assign(
        USED=ratio(rows["AMT_BALANCE"], rows["AMT_CREDIT_LIMIT_ACTUAL"]),
        PAID_TO_MINIMUM=ratio(rows["AMT_PAYMENT_CURRENT"], rows["AMT_INST_MIN_REGULARITY"]),
    )


def card_course(tables: Tables) -> pd.DataFrame:
    rows = _card_rows(tables)
    year = rows[rows["MONTHS_BALANCE"] >= -12]
    asked = rows[rows["AMT_INST_MIN_REGULARITY"] > 0]
    features = {
        "card_drawings_atm_mean": mean(rows, "AMT_DRAWINGS_ATM_CURRENT"),
        "card_below_minimum_share": share(
            asked, asked["AMT_PAYMENT_CURRENT"].fillna(0) < asked["AMT_INST_MIN_REGULARITY"]
        ),
        "card_late_share": share(rows, rows["SK_DPD"] > 0),
        "card_late_tolerated_share": share(rows, rows["SK_DPD_DEF"] > 0),
        "card_days_past_due_max": largest(rows, "SK_DPD"),
        "card_days_past_due_tolerated_max": largest(rows, "SK_DPD_DEF"),
        "has_credit_card_history": known_clients(tables["applications"], rows),
        "card_month_count": rows.groupby(CLIENT).size(),
        "card_count": rows.groupby(CLIENT)["SK_ID_PREV"].nunique(),
        "card_balance_max": largest(rows, "AMT_BALANCE"),
        "card_balance_std": spread(rows, "AMT_BALANCE"),
        "card_drawings_sum": total(rows, "AMT_DRAWINGS_CURRENT"),
        "card_months_min": smallest(rows, "MONTHS_BALANCE"),
        "card_months_max": largest(rows, "MONTHS_BALANCE"),
        "card_months_drawing_last": largest(rows[rows["AMT_DRAWINGS_CURRENT"] > 0], "MONTHS_BALANCE"),
        "card_months_late_last": largest(rows[rows["SK_DPD"] > 0], "MONTHS_BALANCE"),
        "card_active_month_share": share(rows, rows["NAME_CONTRACT_STATUS"] == "Active"),
        "card_drawings_atm_share": ratio(total(rows, "AMT_DRAWINGS_ATM_CURRENT"), total(rows, "AMT_DRAWINGS_CURRENT")),
        "card_drawings_to_limit_ratio_12m": ratio(
            mean(year, "AMT_DRAWINGS_CURRENT"), mean(rows, "AMT_CREDIT_LIMIT_ACTUAL")
        ),
        "card_balance_recent_to_ever_ratio": ratio(
            mean(rows[rows["MONTHS_BALANCE"] >= -3], "AMT_BALANCE"), mean(rows, "AMT_BALANCE")
        ),
    }
    for months, suffix in ((12, "_12m"), (np.inf, "")):
        recent = rows[rows["MONTHS_BALANCE"] >= -months]
        features |= {
            f"card_balance_slope{suffix}": slope(recent, "AMT_BALANCE", "MONTHS_BALANCE"),
            f"card_utilisation_slope{suffix}": slope(recent, "USED", "MONTHS_BALANCE"),
        }
    return pd.DataFrame(features)


def card_newest(tables: Tables) -> pd.DataFrame:
    rows = _card_rows(tables).sort_values(["MONTHS_BALANCE", "SK_ID_PREV"]).groupby(CLIENT)
    balance = rows["AMT_BALANCE"].last()
    return pd.DataFrame(
        {
            "card_balance_last": balance,
            "card_utilisation_last": rows["USED"].last(),
            "card_balance_to_income_ratio": ratio(balance, tables["applications"]["AMT_INCOME_TOTAL"]),
        }
    )

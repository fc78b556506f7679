"""Instalments of earlier Home Credit loans."""

import numpy as np
import pandas as pd

from tests.dbt.feature_oracle.measures import known_clients, largest, mean, ratio, share, slope, smallest, spread, total
from tests.dbt.feature_oracle.tables import CLIENT, Tables


def instalments(tables: Tables) -> pd.DataFrame:
    """One row per instalment: its partial payments, each of which repeats what is owed, taken together."""
    key = [CLIENT, "SK_ID_PREV", "NUM_INSTALMENT_VERSION", "NUM_INSTALMENT_NUMBER"]
    groups = tables["payments"].groupby(key)
    rows = pd.DataFrame(
        {
            "DUE": groups["DAYS_INSTALMENT"].min(),
            "PAID_ON": groups["DAYS_ENTRY_PAYMENT"].max(),
            "OWED": groups["AMT_INSTALMENT"].max(),
            "PAID": groups["AMT_PAYMENT"].sum(min_count=1),
            "PARTS": groups.size(),
        }
    ).reset_index()
    late = rows["PAID_ON"] - rows["DUE"]
    return rows.assign(
        LATE=late.clip(lower=0),
        EARLY=(-late).clip(lower=0),
        SHORT=(rows["OWED"] - rows["PAID"]).clip(lower=0),
        PAID_SHARE=ratio(rows["PAID"], rows["OWED"]),
    )


def instalment_windows(tables: Tables) -> pd.DataFrame:
    rows = instalments(tables)
    features = {}
    for days, suffix in ((90, "_90d"), (365, "_365d"), (np.inf, "")):
        recent = rows[rows["DUE"] >= -days]
        paid = recent[recent["PAID_ON"].notna()]
        features |= {
            f"installments_days_past_due_mean{suffix}": mean(recent, "LATE"),
            f"installments_days_past_due_max{suffix}": largest(recent, "LATE"),
            f"installments_days_before_due_mean{suffix}": mean(recent, "EARLY"),
            f"installments_late_share{suffix}": share(paid, paid["LATE"] > 0),
            f"installments_paid_to_owed_ratio_mean{suffix}": mean(recent, "PAID_SHARE"),
        }
        if suffix != "_90d":
            features |= {
                f"installments_late_over_7_days_share{suffix}": share(paid, paid["LATE"] > 7),
                f"installments_late_over_30_days_share{suffix}": share(paid, paid["LATE"] > 30),
                f"installments_missed_share{suffix}": share(recent, recent["PAID"].isna()),
                f"installments_shortfall_max{suffix}": largest(recent, "SHORT"),
            }
    return pd.DataFrame(features)


def instalment_slopes(tables: Tables) -> pd.DataFrame:
    rows = instalments(tables)
    features = {}
    for days, suffix in ((365, "_365d"), (np.inf, "")):
        recent = rows[rows["DUE"] >= -days]
        features |= {
            f"installments_days_past_due_slope{suffix}": slope(recent, "LATE", "DUE"),
            f"installments_days_before_due_slope{suffix}": slope(recent, "EARLY", "DUE"),
        }
    return pd.DataFrame(features)


def instalment_totals(tables: Tables) -> pd.DataFrame:
    x, rows = tables["applications"], instalments(tables)
    recent = rows[rows["DUE"] >= -365]
    return pd.DataFrame(
        {
            "has_installments_history": known_clients(x, rows),
            "installments_count": rows.groupby(CLIENT).size(),
            "installments_payment_min": smallest(rows, "PAID"),
            "installments_payment_max": largest(rows, "PAID"),
            "installments_payment_mean": mean(rows, "PAID"),
            "installments_payment_sum": total(rows, "PAID"),
            "installments_owed_sum": total(rows, "OWED"),
            "installments_owed_max": largest(rows, "OWED"),
            "installments_days_past_due_std": spread(rows, "LATE"),
            "installments_paid_to_owed_ratio_std": spread(rows, "PAID_SHARE"),
            "installments_partial_payment_count": total(rows.assign(MORE=rows["PARTS"] - 1), "MORE"),
            "installments_version_max": largest(rows, "NUM_INSTALMENT_VERSION"),
            "installments_days_late_last": largest(rows[rows["LATE"] > 0], "DUE"),
            "installments_days_instalment_max": largest(rows, "DUE"),
            "installments_days_instalment_min": smallest(rows, "DUE"),
            "installments_paid_to_owed_ratio": ratio(total(rows, "PAID"), total(rows, "OWED")),
            "installments_application_annuity_to_owed_max_ratio": ratio(x["AMT_ANNUITY"], largest(rows, "OWED")),
            "installments_payment_mean_to_annuity_ratio": ratio(mean(rows, "PAID"), x["AMT_ANNUITY"]),
            "installments_days_past_due_recent_to_ever_ratio": ratio(mean(recent, "LATE"), mean(rows, "LATE")),
        }
    )

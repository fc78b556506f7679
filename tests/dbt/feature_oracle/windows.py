"""What windows say about a client who has history, but nothing in the window."""

import pandas as pd

from tests.dbt.feature_oracle.instalments import instalments
from tests.dbt.feature_oracle.measures import how_many, spread
from tests.dbt.feature_oracle.tables import Tables


def window_spreads(tables: Tables) -> pd.DataFrame:
    """Unknown, not 0, for a client with nothing in the window."""
    due, card = instalments(tables), tables["card"]
    features = {}
    for days in (90, 365):
        recent = due[due["DUE"] >= -days]
        features[f"installments_days_past_due_std_{days}d"] = spread(recent, "LATE")
        features[f"installments_paid_to_owed_ratio_std_{days}d"] = spread(recent, "PAID_SHARE")
    for months in (3, 6, 12):
        features[f"card_balance_std_{months}m"] = spread(card[card["MONTHS_BALANCE"] >= -months], "AMT_BALANCE")
    return pd.DataFrame(features)


def window_counts(tables: Tables) -> pd.DataFrame:
    """0, not unknown, for a client with history and nothing in the window."""
    due, pos, card = instalments(tables), tables["pos"], tables["card"]
    return pd.DataFrame(
        {
            "installments_count_90d": how_many(due, due["DUE"] >= -90),
            "installments_count_365d": how_many(due, due["DUE"] >= -365),
            "pos_month_count_3m": how_many(pos, pos["MONTHS_BALANCE"] >= -3),
            "card_month_count_3m": how_many(card, card["MONTHS_BALANCE"] >= -3),
        }
    )

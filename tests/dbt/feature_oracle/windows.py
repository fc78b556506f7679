"""What windows say about a client who has history, but nothing in the window."""

import pandas as pd

from tests.dbt.feature_oracle.instalments import instalments
from tests.dbt.feature_oracle.measures import how_many
from tests.dbt.feature_oracle.tables import Tables


def window_counts(tables: Tables) -> pd.DataFrame:
    """0, not unknown, for a client with history and nothing in the window."""
    due, pos, card = instalments(tables), tables["pos"], tables["card"]
    return pd.DataFrame(
        {
            "installments_count_90d": how_many(due, due["DUE"] >= -90),
            "installments_count_365d": how_many(due, due["DUE"] >= -365),
            "pos_month_count_3m": how_many(pos, pos["MONTHS_BALANCE"] >= -3),
            "pos_month_count_12m": how_many(pos, pos["MONTHS_BALANCE"] >= -12),
            "card_month_count_3m": how_many(card, card["MONTHS_BALANCE"] >= -3),
            "card_month_count_12m": how_many(card, card["MONTHS_BALANCE"] >= -12),
        }
    )

"""Features computed once more with pandas from the raw tables, as their descriptions say: the oracle of the SQL.

Each family is a function that gives a frame indexed by client, with a column per feature. A client without a row in it
has no value. Nothing here follows how the SQL gets there: no buckets, no sums of squares, one pass per feature.
"""

from tests.dbt.feature_oracle import (
    application,
    bureau,
    credit_card,
    cross_source,
    instalments,
    pos_cash,
    previous,
    risk_themes,
    windows,
)
from tests.dbt.feature_oracle.comparison import Family, Warehouse, differences, read_features, read_warehouse
from tests.dbt.feature_oracle.tables import Tables, read_tables

__all__ = [
    "FAMILIES",
    "Family",
    "Tables",
    "Warehouse",
    "differences",
    "read_features",
    "read_tables",
    "read_warehouse",
]

FAMILIES: list[Family] = [
    application.application_columns,
    application.external_scores,
    application.application_ratios,
    application.application_counts,
    application.interest_rates,
    application.product_term_peers,
    application.demographic_scores,
    bureau.bureau_groups,
    bureau.bureau_windows,
    bureau.bureau_times,
    bureau.bureau_amounts,
    bureau.bureau_against_application,
    bureau.bureau_history,
    previous.previous_groups,
    previous.previous_last,
    previous.previous_shares,
    previous.previous_windows,
    previous.previous_times,
    previous.previous_against_application,
    previous.running_payments,
    instalments.instalment_windows,
    instalments.instalment_slopes,
    instalments.instalment_totals,
    pos_cash.pos_windows,
    pos_cash.pos_course,
    pos_cash.pos_loans,
    pos_cash.pos_early_completion,
    windows.window_counts,
    credit_card.card_windows,
    credit_card.card_course,
    credit_card.card_newest,
    cross_source.cross_debts,
    cross_source.cross_duties,
    cross_source.cross_times,
    cross_source.cross_peers,
    risk_themes.risk_indices,
]

"""What the indices of risk promise beyond their values, which the oracle recomputes."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.dbt.feature_oracle import risk_themes


@pytest.fixture(scope="module")
def features(built_warehouse: Path) -> pd.DataFrame:
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        frame = con.execute("select * from marts.client_features").df().set_index("sk_id_curr")
    return frame.assign(is_labelled=frame["population"] == "training")


def test_an_index_is_50_at_the_median_of_the_labelled_clients(features: pd.DataFrame):
    labelled = features[features["is_labelled"]]
    for theme in [*risk_themes.THEMES, "all_signs"]:
        values = labelled[f"cross_{theme}_index"]
        assert values.between(0, 100).all() and values.nunique() > 100
        assert values.median() == pytest.approx(50, abs=0.01)


def test_nobody_has_a_thinner_record_than_who_is_not_known_to_the_bureau(features: pd.DataFrame):
    scores = {
        name: risk_themes.sign_score(f"-?0 {name}", features)
        for name in ("bureau_closed_loan_count", "bureau_active_credit_sum", "bureau_balance_closed_month_share")
    }
    unknown = features["has_bureau_history"] == 0
    assert 0 < unknown.sum() < len(features)
    for score in scores.values():
        assert score[unknown].nunique() == 1
        assert score[unknown].iloc[0] == score.max()

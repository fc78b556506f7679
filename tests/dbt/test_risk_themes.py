"""The indices of risk are what their description says: pandas, from the other features, comes to the same ones."""

import duckdb
import numpy as np
import pandas as pd
import pytest

EDUCATION = [
    "Lower secondary",
    "Secondary / secondary special",
    "Incomplete higher",
    "Higher education",
    "Academic degree",
]
# + more of it is a warning, - less of it is; log: by its logarithm; ?0: nothing known counts as 0
THEMES = {
    "indebtedness": """+log bureau_debt_to_credit_ratio_mean, +log bureau_card_debt_to_credit_ratio_max,
        + bureau_active_loan_share, +log bureau_debt_to_income_ratio, +log bureau_debt_to_application_annuity_ratio,
        + card_utilisation_mean_12m, +log card_balance_to_income_ratio, +log card_drawings_count_mean""",
    "recent_borrowing": """+log bureau_loan_count_12m, + bureau_days_credit_mean, + bureau_days_credit_max,
        + bureau_days_credit_update_mean, +log previous_count_12m, + previous_days_decision_mean""",
    "late_payment": """+ previous_refused_share, +log bureau_overdue_ever_max, + bureau_balance_severity_mean_12m,
        + bureau_balance_months_late_last, + installments_late_share_365d, +log installments_days_past_due_mean,
        + pos_late_share, + pos_months_late_last""",
    "instability": """+ days_employed, + days_registration, + days_id_publish, + days_last_phone_change,
        + region_rating_client_w_city, + reg_city_not_work_city, - education, + bureau_days_credit_min,
        + pos_months_min""",
    "loan_price": """+ previous_cash_interest_share_mean, + previous_interest_rate_max, + previous_high_yield_share,
        + application_credit_to_goods_price_ratio""",
    "thin_record": """-log?0 bureau_closed_loan_count, -log?0 bureau_active_credit_sum,
        -?0 bureau_balance_closed_month_share, -log?0 previous_approved_amt_annuity_max,
        - previous_rate_down_payment_mean, -log previous_consumer_amt_application_mean, -log amt_goods_price,
        - floorsmax_avg""",
    "low_ext_source": "- ext_source_1, - ext_source_2, - ext_source_3",
}


@pytest.fixture(scope="module")
def features(built_warehouse) -> pd.DataFrame:
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        frame = con.execute("select * from marts.client_features").df().set_index("sk_id_curr")
    return frame.assign(education=frame["name_education_type"].map({name: n for n, name in enumerate(EDUCATION)}))


def standard_score(values: pd.Series, labelled: pd.Series) -> pd.Series:
    reference = values[labelled]
    return ((values - reference.mean()) / reference.std(ddof=0)).clip(-3, 3)


def sign_score(sign: str, features: pd.DataFrame) -> pd.Series:
    direction, name = sign.split()
    values = features[name].astype("float64")
    values = values.fillna(0) if "?0" in direction else values
    values = np.sign(values) * np.log1p(values.abs()) if "log" in direction else values
    return standard_score(values, features["population"] == "training") * (1 if direction[0] == "+" else -1)


def sums(features: pd.DataFrame) -> pd.DataFrame:
    """By theme: the sum of the standard scores of its signs, unknown ones counting as average."""
    scores = {
        theme: pd.concat([sign_score(sign, features) for sign in signs.split(",")], axis=1).fillna(0).sum(axis=1)
        for theme, signs in THEMES.items()
    }
    return pd.DataFrame(scores).assign(all_signs=lambda x: x.sum(axis=1))


def index(values: pd.Series, labelled: pd.Series) -> pd.Series:
    reference = values[labelled]
    return 100 / (1 + np.exp(-1.7 * (values - reference.median()) / reference.std(ddof=0)))


def test_indices_are_what_their_description_says(features: pd.DataFrame):
    labelled = features["population"] == "training"
    for theme, values in sums(features).items():
        expected = index(values, labelled)
        np.testing.assert_allclose(features[f"cross_{theme}_index"], expected, rtol=1e-4, atol=1e-3, err_msg=theme)


def test_an_index_is_50_at_the_median_of_the_labelled_clients(features: pd.DataFrame):
    labelled = features[features["population"] == "training"]
    for theme in [*THEMES, "all_signs"]:
        values = labelled[f"cross_{theme}_index"]
        assert values.between(0, 100).all() and values.nunique() > 100
        assert values.median() == pytest.approx(50, abs=0.01)


def test_nobody_has_a_thinner_record_than_who_is_not_known_to_the_bureau(features: pd.DataFrame):
    scores = {
        name: sign_score(f"-?0 {name}", features)
        for name in ("bureau_closed_loan_count", "bureau_active_credit_sum", "bureau_balance_closed_month_share")
    }
    unknown = features["has_bureau_history"] == 0
    assert 0 < unknown.sum() < len(features)
    for score in scores.values():
        assert score[unknown].nunique() == 1
        assert score[unknown].iloc[0] == score.max()

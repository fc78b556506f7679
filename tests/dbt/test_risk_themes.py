"""The themes of risk are what their description says: pandas, from the other features, comes to the same scores."""

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
# + more of it is a warning, - less of it is; log: by its logarithm
THEMES = {
    "indebtedness": """+log bureau_debt_to_credit_ratio_mean, +log bureau_card_debt_to_credit_ratio_max,
        + bureau_active_loan_share, +log bureau_debt_to_income_ratio, +log bureau_debt_to_application_annuity_ratio,
        + card_utilisation_mean_6m, +log card_balance_to_income_ratio, +log card_drawings_count_mean""",
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
    "thin_record": """-log bureau_closed_loan_count, -log bureau_active_credit_sum,
        - bureau_balance_closed_month_share, -log previous_approved_amt_annuity_max, - previous_rate_down_payment_mean,
        -log previous_consumer_amt_application_mean, -log amt_goods_price, - floorsmax_avg""",
    "low_ext_source": "- ext_source_1, - ext_source_2, - ext_source_3",
}


@pytest.fixture(scope="module")
def features(built_warehouse) -> pd.DataFrame:
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        frame = con.execute("select * from marts.client_features").df().set_index("sk_id_curr")
    return frame.assign(education=frame["name_education_type"].map({name: n for n, name in enumerate(EDUCATION)}))


def standard_score(values: pd.Series) -> pd.Series:
    return ((values - values.mean()) / values.std()).clip(-3, 3)


def sign_score(sign: str, features: pd.DataFrame) -> pd.Series:
    direction, name = sign.split()
    values = features[name].astype("float64")
    values = np.sign(values) * np.log1p(values.abs()) if "log" in direction else values
    return standard_score(values) * (1 if direction[0] == "+" else -1)


def themes(features: pd.DataFrame) -> dict[str, tuple[pd.Series, pd.Series]]:
    """By theme: the mean of what is known, and the standardised sum."""
    scores = {}
    for theme, signs in THEMES.items():
        signed = pd.concat([sign_score(sign, features) for sign in signs.split(",")], axis=1)
        scores[theme] = signed.mean(axis=1), standard_score(signed.fillna(0).sum(axis=1))
    return scores


def test_themes_are_what_their_description_says(features: pd.DataFrame):
    scores = themes(features)
    low_ext_source = scores.pop("low_ext_source")[1]
    for theme, (known, filled) in scores.items():
        expected = {"known_score": known, "score": filled, "with_ext_source_score": (filled + low_ext_source) / 2}
        for kind, values in expected.items():
            assert values.notna().any()
            np.testing.assert_allclose(features[f"cross_{theme}_{kind}"], values, rtol=1e-6, atol=1e-9, err_msg=theme)
    risk = pd.concat([filled for _, filled in scores.values()], axis=1).mean(axis=1)
    np.testing.assert_allclose(features["cross_risk_score"], risk, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(features["cross_low_ext_source_score"], low_ext_source, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        features["cross_risk_with_ext_source_score"], (2 * risk + low_ext_source) / 3, rtol=1e-6, atol=1e-9
    )


def test_a_client_without_any_sign_of_a_theme_has_no_known_score(features: pd.DataFrame):
    unknown = features["cross_indebtedness_known_score"].isna()
    assert 0 < unknown.sum() < len(features)
    assert features.loc[unknown, "bureau_debt_to_credit_ratio_mean"].isna().all()
    assert features.loc[unknown, "cross_indebtedness_score"].nunique() == 1

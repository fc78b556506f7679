"""Indices of risk: signs taken together by theme, against the labelled clients."""

import numpy as np
import pandas as pd

from tests.dbt.feature_oracle import application, bureau, credit_card, instalments, pos_cash, previous, windows
from tests.dbt.feature_oracle.tables import Tables

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
MADE_OF = [
    application.application_columns,
    application.application_ratios,
    bureau.bureau_groups,
    bureau.bureau_windows,
    bureau.bureau_times,
    bureau.bureau_against_application,
    bureau.bureau_history,
    previous.previous_groups,
    previous.previous_shares,
    previous.previous_windows,
    instalments.instalment_windows,
    pos_cash.pos_windows,
    pos_cash.pos_course,
    credit_card.card_windows,
    credit_card.card_newest,
    windows.window_counts,
]


def risk_indices(tables: Tables) -> pd.DataFrame:
    labelled = tables["applications"]["TARGET"].notna()
    features = pd.concat([family(tables).reindex(labelled.index) for family in MADE_OF], axis=1)
    features = with_education(features.assign(is_labelled=labelled))
    return pd.DataFrame(
        {f"cross_{theme}_index": risk_index(values, labelled) for theme, values in sums(features).items()}
    )


def with_education(features: pd.DataFrame) -> pd.DataFrame:
    """With `education` in grades, the lowest 0."""
    return features.assign(education=features["name_education_type"].map({name: n for n, name in enumerate(EDUCATION)}))


def standard_score(values: pd.Series, labelled: pd.Series) -> pd.Series:
    reference = values[labelled]
    return ((values - reference.mean()) / reference.std(ddof=0)).clip(-3, 3)


def sign_score(sign: str, features: pd.DataFrame) -> pd.Series:
    direction, name = sign.split()
    values = features[name].astype("float64")
    values = values.fillna(0) if "?0" in direction else values
    values = np.sign(values) * np.log1p(values.abs()) if "log" in direction else values
    return standard_score(values, features["is_labelled"]) * (1 if direction[0] == "+" else -1)


def sums(features: pd.DataFrame) -> pd.DataFrame:
    """By theme: the sum of the standard scores of its signs, unknown ones counting as average."""
    scores = {
        theme: pd.concat([sign_score(sign, features) for sign in signs.split(",")], axis=1).fillna(0).sum(axis=1)
        for theme, signs in THEMES.items()
    }
    return pd.DataFrame(scores).assign(all_signs=lambda x: x.sum(axis=1))


def risk_index(values: pd.Series, labelled: pd.Series) -> pd.Series:
    """0 to 100, 50 at the labelled clients' median."""
    reference = values[labelled]
    return 100 / (1 + np.exp(-1.7 * (values - reference.median()) / reference.std(ddof=0)))

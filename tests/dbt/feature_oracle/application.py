"""The application itself: scores, ratios, counts, interest, comparison with similar clients."""

import numpy as np
import pandas as pd

from tests.dbt.feature_oracle.measures import among_labelled, over_terms, product_term, ratio, yearly_interest
from tests.dbt.feature_oracle.tables import Tables

HOUSING = [
    "APARTMENTS",
    "BASEMENTAREA",
    "YEARS_BEGINEXPLUATATION",
    "YEARS_BUILD",
    "COMMONAREA",
    "ELEVATORS",
    "ENTRANCES",
    "FLOORSMAX",
    "FLOORSMIN",
    "LANDAREA",
    "LIVINGAPARTMENTS",
    "LIVINGAREA",
    "NONLIVINGAPARTMENTS",
    "NONLIVINGAREA",
]


def application_columns(tables: Tables) -> pd.DataFrame:
    """The form as it was filled in, words that say nothing taken out, yes and no as 1 and 0."""
    x = tables["applications"]
    yes_no = {"Y": 1.0, "N": 0.0, "Yes": 1.0, "No": 0.0}
    flags = ["FLAG_OWN_CAR", "FLAG_OWN_REALTY", "EMERGENCYSTATE_MODE"]
    x = x.assign(
        NAME_FAMILY_STATUS=x["NAME_FAMILY_STATUS"].replace("Unknown", None),
        **{name: x[name].map(yes_no) for name in flags},
    )
    return x.rename(columns=str.lower)


def external_scores(tables: Tables) -> pd.DataFrame:
    x = tables["applications"]
    scores = x[["EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3"]]
    _, second, third = (scores[name] for name in scores)
    return pd.DataFrame(
        {
            "application_ext_source_count": scores.count(axis=1),
            "application_ext_source_sum": scores.sum(axis=1),
            "application_ext_source_mean": scores.mean(axis=1),
            "application_ext_source_min": scores.min(axis=1),
            "application_ext_source_max": scores.max(axis=1),
            "application_ext_source_median": scores.median(axis=1),
            "application_ext_source_std": scores.std(axis=1, ddof=0, skipna=False),
            "application_ext_source_product": scores.prod(axis=1, skipna=False),
            "application_ext_source_2_3_product": second * third,
        }
    )


def application_ratios(tables: Tables) -> pd.DataFrame:
    x = tables["applications"]
    employed, age = -x["DAYS_EMPLOYED"], -x["DAYS_BIRTH"]
    credit, annuity, income, goods = (x[f"AMT_{name}"] for name in ("CREDIT", "ANNUITY", "INCOME_TOTAL", "GOODS_PRICE"))
    return pd.DataFrame(
        {
            "application_credit_to_annuity_ratio": ratio(credit, annuity),
            "application_credit_to_goods_price_ratio": ratio(credit, goods),
            "application_credit_minus_goods_price": credit - goods,
            "application_annuity_to_income_ratio": ratio(annuity, income),
            "application_credit_to_income_ratio": ratio(credit, income),
            "application_income_per_family_member": ratio(income, x["CNT_FAM_MEMBERS"]),
            "application_income_per_adult": ratio(income, x["CNT_FAM_MEMBERS"] - x["CNT_CHILDREN"]),
            "application_income_after_annuities": income - 12 * annuity,
            "application_is_not_employed": employed.isna(),
            "application_employed_to_age_ratio": ratio(employed, age),
            "application_age_at_employment_days": age - employed,
            "application_phone_change_to_age_ratio": ratio(-x["DAYS_LAST_PHONE_CHANGE"], age),
            "application_id_publish_to_age_ratio": ratio(-x["DAYS_ID_PUBLISH"], age),
            "application_car_age_to_employed_ratio": ratio(x["OWN_CAR_AGE"], employed / 365.25),
            "application_car_age_to_age_ratio": ratio(x["OWN_CAR_AGE"], age / 365.25),
            "application_age_at_payoff_years": age / 365.25 + ratio(credit, annuity) / 12,
        }
    )


def application_counts(tables: Tables) -> pd.DataFrame:
    x = tables["applications"]
    housing = x[[f"{name}_AVG" for name in HOUSING]]
    return pd.DataFrame(
        {
            "application_document_count": x.filter(regex=r"^FLAG_DOCUMENT_\d+$").sum(axis=1),
            "application_address_mismatch_count": x.filter(regex="^(REG|LIVE)_.*_NOT_.*_(REGION|CITY)$").sum(axis=1),
            "application_housing_missing_count": housing.isna().sum(axis=1),
            "application_housing_mean": housing.mean(axis=1),
            "application_bureau_enquiry_count": x.filter(regex="^AMT_REQ_CREDIT_BUREAU_").sum(axis=1, skipna=False),
            "application_social_circle_default_share": ratio(
                x["DEF_30_CNT_SOCIAL_CIRCLE"], x["OBS_30_CNT_SOCIAL_CIRCLE"]
            ),
        }
    )


def interest_rates(tables: Tables) -> pd.DataFrame:
    x = tables["applications"]
    rates = pd.DataFrame(
        {term: yearly_interest(x["AMT_CREDIT"], x["AMT_ANNUITY"], term) for term in (6, 12, 18, 24, 36, 48, 60)}
    )
    plausible = rates.where(rates >= 0.085)
    return pd.DataFrame(
        {
            "application_interest_rate_plausible_min": plausible.min(axis=1),
        }
    )


def product_term_peers(tables: Tables) -> pd.DataFrame:
    x = tables["applications"]
    measures = {
        "ext_source_mean": x[["EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3"]].mean(axis=1),
        "ext_source_2": x["EXT_SOURCE_2"],
        "ext_source_3": x["EXT_SOURCE_3"],
        "days_employed": x["DAYS_EMPLOYED"],
    }
    term = product_term(x)
    labelled = term[x["TARGET"].notna()].value_counts()
    features = {"application_product_term_client_count": term.map(labelled).fillna(0).where(term.notna())}
    for name, values in measures.items():
        features |= {
            f"application_product_term_{name}_mean": over_terms(x, values),
            f"application_product_term_{name}_difference": values - over_terms(x, values),
        }
    return pd.DataFrame(features)


def demographic_scores(tables: Tables) -> pd.DataFrame:
    x = tables["applications"]
    occupation = x["OCCUPATION_TYPE"].fillna("unknown")
    alike = [x["NAME_EDUCATION_TYPE"], occupation, (-x["DAYS_BIRTH"] // 3652.5).rename("DECADE")]
    measures = {
        "amt_income_total": x["AMT_INCOME_TOTAL"],
        "amt_credit": x["AMT_CREDIT"],
        "amt_annuity": x["AMT_ANNUITY"],
        "ext_source_mean": x[["EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3"]].mean(axis=1),
    }
    features = {}
    for name, values in measures.items():
        mean, mean_square = among_labelled(x, values, alike), among_labelled(x, values**2, alike)
        features[f"application_demography_{name}_standard_score"] = ratio(values - mean, np.sqrt(mean_square - mean**2))
    return pd.DataFrame(features)

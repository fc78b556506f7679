"""What `warehouse.fidelity` looks at beyond single columns: features of histories, and pairs of columns."""

CLIENT_OF = {"bureau_balance": "inner join bureau using (SK_ID_BUREAU) "}

# One value per client, by table: what published models found strong, and what the generator promises to keep.
FEATURES = {
    "bureau": {
        "count": "count(*)",
        "active_count": "count(*) filter (CREDIT_ACTIVE = 'Active')",
        "active_share": "avg(cast(CREDIT_ACTIVE = 'Active' as integer))",
        "card_share": "avg(cast(CREDIT_TYPE = 'Credit card' as integer))",
        "days_credit_mean": "avg(DAYS_CREDIT)",
        "days_credit_max": "max(DAYS_CREDIT)",
        "days_enddate_mean": "avg(DAYS_CREDIT_ENDDATE)",
        "days_enddate_fact_mean": "avg(DAYS_ENDDATE_FACT)",
        "credit_sum_mean": "avg(AMT_CREDIT_SUM)",
        "debt_sum": "sum(AMT_CREDIT_SUM_DEBT)",
        "debt_ratio": "sum(AMT_CREDIT_SUM_DEBT) / nullif(sum(AMT_CREDIT_SUM), 0)",
        "max_overdue": "max(AMT_CREDIT_MAX_OVERDUE)",
        "update_mean": "avg(DAYS_CREDIT_UPDATE)",
    },
    "bureau_balance": {
        "late_share": "avg(cast(STATUS in ('1', '2', '3', '4', '5') as integer))",
        "closed_share": "avg(cast(STATUS = 'C' as integer))",
        "months_mean": "avg(MONTHS_BALANCE)",
    },
    "previous_application": {
        "count": "count(*)",
        "refused_share": "avg(cast(NAME_CONTRACT_STATUS = 'Refused' as integer))",
        "approved_share": "avg(cast(NAME_CONTRACT_STATUS = 'Approved' as integer))",
        "canceled_share": "avg(cast(NAME_CONTRACT_STATUS = 'Canceled' as integer))",
        "days_decision_mean": "avg(DAYS_DECISION)",
        "days_first_due_mean": "avg(nullif(DAYS_FIRST_DUE, 365243))",
        "annuity_mean": "avg(AMT_ANNUITY)",
        "term_mean": "avg(CNT_PAYMENT)",
        "down_rate_mean": "avg(RATE_DOWN_PAYMENT)",
        "high_yield_share": "avg(cast(NAME_YIELD_GROUP = 'high' as integer))",
        "running_count": "count(*) filter (DAYS_LAST_DUE = 365243)",
    },
    "POS_CASH_balance": {
        "months": "count(*)",
        "late_share": "avg(cast(SK_DPD > 0 as integer))",
        "late_def_share": "avg(cast(SK_DPD_DEF > 0 as integer))",
        "future_mean": "avg(CNT_INSTALMENT_FUTURE)",
        "first_month": "min(MONTHS_BALANCE)",
    },
    "credit_card_balance": {
        "months": "count(*)",
        "utilisation_mean": "avg(AMT_BALANCE / nullif(AMT_CREDIT_LIMIT_ACTUAL, 0))",
        "balance_mean": "avg(AMT_BALANCE)",
        "drawing_share": "avg(cast(AMT_DRAWINGS_CURRENT > 0 as integer))",
        "atm_count_mean": "avg(CNT_DRAWINGS_ATM_CURRENT)",
        "late_share": "avg(cast(SK_DPD > 0 as integer))",
    },
    "installments_payments": {
        "late_share": "avg(cast(DAYS_ENTRY_PAYMENT > DAYS_INSTALMENT as integer))",
        "days_early_mean": "avg(DAYS_INSTALMENT - DAYS_ENTRY_PAYMENT)",
        "payment_min": "min(AMT_PAYMENT)",
    },
}


# Columns whose dependence on each other is compared, pair by pair.
DEPENDENT = {
    "application_train": (
        "EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3", "DAYS_BIRTH", "DAYS_EMPLOYED", "DAYS_REGISTRATION",
        "DAYS_ID_PUBLISH", "DAYS_LAST_PHONE_CHANGE", "AMT_INCOME_TOTAL", "AMT_CREDIT", "AMT_ANNUITY", "AMT_GOODS_PRICE",
        "REGION_POPULATION_RELATIVE", "REGION_RATING_CLIENT", "CNT_CHILDREN", "CNT_FAM_MEMBERS", "OWN_CAR_AGE",
        "OBS_30_CNT_SOCIAL_CIRCLE", "DEF_30_CNT_SOCIAL_CIRCLE", "FLOORSMAX_AVG", "TOTALAREA_MODE",
    ),
    "bureau": (
        "DAYS_CREDIT", "DAYS_CREDIT_ENDDATE", "DAYS_ENDDATE_FACT", "DAYS_CREDIT_UPDATE", "AMT_CREDIT_SUM",
        "AMT_CREDIT_SUM_DEBT", "AMT_CREDIT_SUM_LIMIT",
    ),
    "previous_application": (
        "AMT_ANNUITY", "AMT_APPLICATION", "AMT_CREDIT", "AMT_DOWN_PAYMENT", "DAYS_DECISION", "CNT_PAYMENT",
        "DAYS_FIRST_DUE", "DAYS_LAST_DUE", "DAYS_TERMINATION",
    ),
    "credit_card_balance": (
        "AMT_BALANCE", "AMT_CREDIT_LIMIT_ACTUAL", "AMT_DRAWINGS_CURRENT", "AMT_PAYMENT_TOTAL_CURRENT",
        "AMT_INST_MIN_REGULARITY", "SK_DPD",
    ),
}  # fmt: skip


def history_sql(table: str, prefix: str = "") -> str:
    """Query for the features of one history, one row per client that has it."""
    select = ", ".join(f"{expression} as {prefix}{name}" for name, expression in FEATURES[table].items())
    return f"select SK_ID_CURR, {select} from {table} {CLIENT_OF.get(table, '')}group by SK_ID_CURR"


def labelled_features_sql() -> str:
    """Query for one row per labelled client: the application and all of `FEATURES`, nulls where there is no history."""
    joins = [f"left join ({history_sql(table, f'{table}_')}) using (SK_ID_CURR)" for table in FEATURES]
    return f"select * exclude (weight) from application_train {' '.join(joins)} order by SK_ID_CURR"

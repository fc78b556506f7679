"""What is measured: the variables of each block as SQL expressions over the raw tables.

A variable ending in `?` is 1 where the column of that name is null. What is not listed here is derived by rule when
rows are written (for instance AMT_CREDIT from the price of the goods and the ratio of credit to price).
"""

from dataclasses import dataclass, field

SENTINEL = 365243
EMPLOYED = f"DAYS_EMPLOYED <> {SENTINEL}"
CASH = "NAME_CONTRACT_TYPE = 'Cash loans'"
HOUSING = (
    "APARTMENTS", "BASEMENTAREA", "YEARS_BEGINEXPLUATATION", "YEARS_BUILD", "COMMONAREA", "ELEVATORS", "ENTRANCES",
    "FLOORSMAX", "FLOORSMIN", "LANDAREA", "LIVINGAPARTMENTS", "LIVINGAREA", "NONLIVINGAPARTMENTS", "NONLIVINGAREA",
)  # fmt: skip

# Columns of previous_application that go with the product.
BY_PRODUCT = (
    "NAME_CASH_LOAN_PURPOSE", "NAME_PAYMENT_TYPE", "CODE_REJECT_REASON", "NAME_TYPE_SUITE", "NAME_GOODS_CATEGORY",
    "NAME_PORTFOLIO", "NAME_PRODUCT_TYPE", "CHANNEL_TYPE", "NAME_SELLER_INDUSTRY",
)  # fmt: skip

# Columns of application_train that do not enter the copula as they are.
APPLICATION_RULES = frozenset(
    {"SK_ID_CURR", "TARGET", "AMT_CREDIT", "AMT_ANNUITY", "CNT_FAM_MEMBERS", "FLAG_EMP_PHONE", "NAME_INCOME_TYPE"}
    | {"OCCUPATION_TYPE", "ORGANIZATION_TYPE", "REGION_RATING_CLIENT_W_CITY", "OBS_60_CNT_SOCIAL_CIRCLE"}
    | {"DEF_30_CNT_SOCIAL_CIRCLE", "DEF_60_CNT_SOCIAL_CIRCLE", "LIVE_REGION_NOT_WORK_REGION", "LIVE_CITY_NOT_WORK_CITY"}
    | {f"{base}_{kind}" for base in HOUSING for kind in ("MODE", "MEDI")}
)
APPLICATION_DERIVED = {
    "DAYS_EMPLOYED": f"nullif(DAYS_EMPLOYED, {SENTINEL})",
    "NOT_EMPLOYED": f"cast(DAYS_EMPLOYED = {SENTINEL} as double)",
    "WORK_TYPE": f"case when {EMPLOYED} then NAME_INCOME_TYPE end",
    "OCCUPATION": f"case when {EMPLOYED} then coalesce(OCCUPATION_TYPE, 'none') end",
    "ORGANIZATION": f"case when {EMPLOYED} then ORGANIZATION_TYPE end",
    "CREDIT_TO_PRICE": f"case when {CASH} then AMT_CREDIT / AMT_GOODS_PRICE end",
    "CREDIT_TO_ANNUITY": f"case when {CASH} then AMT_CREDIT / AMT_ANNUITY end",
    "RATING_CITY_STEP": "REGION_RATING_CLIENT_W_CITY - REGION_RATING_CLIENT",
    "OBS_60_STEP": "OBS_30_CNT_SOCIAL_CIRCLE - OBS_60_CNT_SOCIAL_CIRCLE",
    "DEF_60_STEP": """case when DEF_30_CNT_SOCIAL_CIRCLE > 0
        then DEF_30_CNT_SOCIAL_CIRCLE - DEF_60_CNT_SOCIAL_CIRCLE end""",
    "DEF_30": "case when OBS_30_CNT_SOCIAL_CIRCLE > 0 then DEF_30_CNT_SOCIAL_CIRCLE end",
    "LIVE_NOT_WORK_REGION": "case when REG_REGION_NOT_LIVE_REGION = 1 then LIVE_REGION_NOT_WORK_REGION end",
    "LIVE_NOT_WORK_CITY": "case when REG_CITY_NOT_LIVE_CITY = 1 then LIVE_CITY_NOT_WORK_CITY end",
}


@dataclass(frozen=True)
class Block:
    """Rows of one table (or one row per loan of it) with their variables.

    Attributes
    ----------
    sql : str
        Rows with `client` and every column the expressions need; columns ahead of `variables` may be used by name.
    variables : dict
        Name to expression. The marginal of each is measured within `groups`.
    groups : dict
        Variables that choose the group, in turn, with the order of their values; the first over all rows, the second
        within the first. Empty = one group.
    apart : str
        Condition on rows whose group is known beforehand and whose number per client another block counts.
    counted : bool
        Is the number of rows per client a variable of the client.
    one_per_client : bool
        Clients seldom have a second row: what they share cannot be measured, so take the row for the client.
    follows : dict
        Text columns that go with the score of a variable: name to the variable and the order of the values.
    nominals : dict
        Text columns drawn from their frequencies within a cell, not from the copula: name to the cell's expression.
    """

    sql: str
    variables: dict[str, str]
    groups: dict[str, list[str]] = field(default_factory=dict)
    apart: str = "false"
    counted: bool = True
    one_per_client: bool = False
    follows: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    nominals: dict[str, str] = field(default_factory=dict)


BUREAU = Block(
    sql="""
        select
            *,
            case CREDIT_TYPE when 'Consumer credit' then 'consumer' when 'Credit card' then 'card'
                when 'Microloan' then 'micro' else 'other' end as TYPE,
            case CREDIT_ACTIVE when 'Closed' then 'closed' when 'Active' then 'active' else 'sold' end as STATE
        from bureau
    """,
    groups={"TYPE": ["micro", "consumer", "other", "card"], "STATE": ["closed", "sold", "active"]},
    variables={
        "DAYS_CREDIT": "DAYS_CREDIT",
        "TERM": "case when DAYS_CREDIT_ENDDATE > -5000 then DAYS_CREDIT_ENDDATE - DAYS_CREDIT end",
        "TERM?": "cast(DAYS_CREDIT_ENDDATE is null as double)",
        "DELAY": "case when DAYS_ENDDATE_FACT > -5000 then DAYS_ENDDATE_FACT - DAYS_CREDIT_ENDDATE end",
        "UPDATE": """case when STATE <> 'closed' then DAYS_CREDIT_UPDATE
            when DAYS_ENDDATE_FACT < 0 then 1 - greatest(0, least(1, DAYS_CREDIT_UPDATE / DAYS_ENDDATE_FACT)) end""",
        "AMOUNT": "AMT_CREDIT_SUM",
        "DEBT_RATIO": """case when AMT_CREDIT_SUM > 0 and AMT_CREDIT_SUM_DEBT is not null
            then greatest(-0.5, least(2, AMT_CREDIT_SUM_DEBT / AMT_CREDIT_SUM)) end""",
        "DEBT?": "cast(AMT_CREDIT_SUM_DEBT is null as double)",
        "LIMIT_RATIO": """case when AMT_CREDIT_SUM > 0 and AMT_CREDIT_SUM_LIMIT is not null
            then least(2, AMT_CREDIT_SUM_LIMIT / AMT_CREDIT_SUM) end""",
        "LIMIT?": "cast(AMT_CREDIT_SUM_LIMIT is null as double)",
        "MAX_OVERDUE": "AMT_CREDIT_MAX_OVERDUE",
        "MAX_OVERDUE?": "cast(AMT_CREDIT_MAX_OVERDUE is null as double)",
        "DAYS_OVERDUE": "CREDIT_DAY_OVERDUE",
        "PROLONGED": "CNT_CREDIT_PROLONG",
        "ANNUITY": "AMT_ANNUITY",
        "ANNUITY?": "cast(AMT_ANNUITY is null as double)",
    },
    nominals={"CREDIT_TYPE": "TYPE", "CREDIT_ACTIVE": "STATE", "CREDIT_CURRENCY": "TYPE"},
)

BALANCE = Block(
    sql="""
        select
            SK_ID_CURR, CREDIT_ACTIVE, DAYS_CREDIT, DAYS_ENDDATE_FACT, b.*
        from (
            select
                SK_ID_BUREAU,
                count(*) as months,
                min(MONTHS_BALANCE) as oldest,
                max(MONTHS_BALANCE) as newest,
                count(*) filter (STATUS <> 'C') as open_months,
                count(*) filter (STATUS = 'X') as unknown_months,
                count(*) filter (STATUS = 'C') as closed_months,
                count(*) filter (STATUS in ('0', '1', '2', '3', '4', '5')) as known_months,
                count(*) filter (STATUS in ('1', '2', '3', '4', '5')) as late_months,
                max(case when STATUS between '1' and '5' then cast(STATUS as integer) end) as worst
            from bureau_balance
            group by SK_ID_BUREAU
        ) as b
        inner join bureau using (SK_ID_BUREAU)
    """,
    counted=False,
    variables={
        "UNKNOWN_SHARE": "case when open_months > 0 then unknown_months / open_months end",
        "LATE_SHARE": "case when known_months > 0 then least(late_months / known_months, 0.6) end",
        "NEWEST": "newest",
    },
)

PREVIOUS = Block(
    sql="""
        select
            *,
            case NAME_CONTRACT_TYPE when 'Consumer loans' then 'consumer' when 'Revolving loans' then 'card'
                else 'cash' end as TYPE,
            case
                when NAME_CONTRACT_STATUS = 'Approved' then 'approved'
                when NAME_CONTRACT_TYPE = 'Consumer loans' and NAME_CONTRACT_STATUS = 'Unused offer' then 'unused'
                when NAME_CONTRACT_TYPE = 'Consumer loans' and AMT_ANNUITY is null then 'refused blank'
                when NAME_CONTRACT_TYPE = 'Revolving loans' and AMT_ANNUITY is null then 'canceled blank'
                when NAME_CONTRACT_STATUS = 'Refused' and AMT_ANNUITY is null then 'refused blank'
                when AMT_ANNUITY is null then 'canceled blank'
                when NAME_CONTRACT_TYPE <> 'Cash loans' or NAME_CONTRACT_STATUS = 'Refused' then 'refused'
                else 'canceled'
            end as STATUS
        from previous_application
    """,
    groups={
        "TYPE": ["consumer", "card", "cash"],
        "STATUS": ["approved", "unused", "canceled", "canceled blank", "refused blank", "refused"],
    },
    apart="TYPE = 'card' and STATUS = 'approved'",
    variables={
        "DAYS_DECISION": "DAYS_DECISION",
        "AMT_APPLICATION": "AMT_APPLICATION",
        "CREDIT_RATIO": "case when AMT_APPLICATION > 0 then AMT_CREDIT / AMT_APPLICATION end",
        "CNT_PAYMENT": "CNT_PAYMENT",
        "INTEREST": """case when CNT_PAYMENT > 0 and AMT_CREDIT > 0 and NAME_YIELD_GROUP <> 'XNA'
            then 24 * (AMT_ANNUITY * CNT_PAYMENT / AMT_CREDIT - 1) / (CNT_PAYMENT + 1) end""",
        "DOWN_RATIO": "case when AMT_APPLICATION > 0 then AMT_DOWN_PAYMENT / AMT_APPLICATION end",
        "DOWN?": "cast(AMT_DOWN_PAYMENT is null as double)",
        "FIRST_GAP": "case when DAYS_FIRST_DUE < 0 then DAYS_FIRST_DUE - DAYS_DECISION end",
        "REPAID_SHARE": """case when DAYS_LAST_DUE_1ST_VERSION < 0 and DAYS_FIRST_DUE < 0 and CNT_PAYMENT > 1
            and DAYS_LAST_DUE < 0
            then round(greatest(0, (DAYS_LAST_DUE - DAYS_FIRST_DUE) / (30 * (CNT_PAYMENT - 1))), 3) end""",
        "TERMINATION_GAP": """case when DAYS_TERMINATION < 0 and DAYS_LAST_DUE < 0
            then DAYS_TERMINATION - DAYS_LAST_DUE end""",
        "NO_DATES": "cast(DAYS_FIRST_DUE is null as double)",
        "UNUSED_CARD": "case when TYPE = 'card' then cast(DAYS_FIRST_DUE = 365243 as double) end",
        "RUNNING_CARD": "case when TYPE = 'card' then cast(DAYS_LAST_DUE = 365243 as double) end",
        "RATE_INTEREST_PRIMARY": "RATE_INTEREST_PRIMARY",
        "RATE_INTEREST_PRIVILEGED": "RATE_INTEREST_PRIVILEGED",
        "RATED": "cast(RATE_INTEREST_PRIMARY is not null as double)",
        "SELLERPLACE_AREA": "SELLERPLACE_AREA",
        "HOUR_APPR_PROCESS_START": "HOUR_APPR_PROCESS_START",
        "INSURED": "NFLAG_INSURED_ON_APPROVAL",
        "GOODS?": "case when AMT_APPLICATION = 0 then cast(AMT_GOODS_PRICE is null as double) end",
    },
    follows={"NAME_YIELD_GROUP": ("INTEREST", ["XNA", "low_action", "low_normal", "middle", "high"])},
    nominals={
        "PRODUCT_COMBINATION": "TYPE || '/' || STATUS || '/' || NAME_YIELD_GROUP",
        "NAME_CONTRACT_TYPE": "TYPE || '/' || STATUS",
        "NAME_CONTRACT_STATUS": "TYPE || '/' || STATUS",
        "WEEKDAY_APPR_PROCESS_START": "'all'",
        "FLAG_LAST_APPL_PER_CONTRACT": "'all'",
        "NFLAG_LAST_APPL_IN_DAY": "'all'",
        **dict.fromkeys(
            BY_PRODUCT,
            "TYPE || '/' || STATUS || '/' || coalesce(PRODUCT_COMBINATION, 'none')",
        ),
        "NAME_CLIENT_TYPE": """case when row_number() over (
            partition by SK_ID_CURR order by DAYS_DECISION, SK_ID_PREV) = 1 then 'first' else 'later' end""",
    },
)  # fmt: skip

INSTALMENTS = Block(
    sql="""
        select
            i.SK_ID_CURR,
            i.SK_ID_PREV,
            case any_value(NAME_CONTRACT_TYPE) when 'Cash loans' then 'cash' else 'consumer' end as TYPE,
            avg(cast(DAYS_ENTRY_PAYMENT > DAYS_INSTALMENT as integer)) as late_share,
            avg(greatest(DAYS_INSTALMENT - DAYS_ENTRY_PAYMENT, 0)) as days_early,
            avg(cast(AMT_PAYMENT <> AMT_INSTALMENT as integer)) as split_share
        from installments_payments as i
        inner join previous_application as p using (SK_ID_PREV)
        where NUM_INSTALMENT_VERSION > 0 and NAME_CONTRACT_TYPE <> 'Revolving loans'
        group by all
    """,
    groups={"TYPE": ["consumer", "cash"]},
    counted=False,
    variables={"DAYS_EARLY": "days_early", "SPLIT_SHARE": "split_share"},
)

POS = Block(
    sql="""
        select
            SK_ID_CURR,
            SK_ID_PREV,
            avg(cast(SK_DPD between 1 and 60 as integer)) as late_share,
            cast(max(SK_DPD) > 120 as double) as abandoned
        from POS_CASH_balance
        group by all
    """,
    counted=False,
    variables={"LATE_SHARE": "late_share", "ABANDONED": "abandoned"},
)

CARD = Block(
    sql="""
        select
            SK_ID_CURR,
            SK_ID_PREV,
            cast(max(AMT_BALANCE) > 0 as double) as used,
            avg(case when AMT_CREDIT_LIMIT_ACTUAL > 0 then AMT_BALANCE / AMT_CREDIT_LIMIT_ACTUAL end) as utilisation,
            avg(cast(AMT_DRAWINGS_CURRENT > 0 as integer)) as drawing_share,
            avg(cast(SK_DPD between 1 and 60 as integer)) as late_share,
            cast(max(SK_DPD) > 120 as double) as abandoned,
            max(AMT_CREDIT_LIMIT_ACTUAL) as top_limit,
            max(MONTHS_BALANCE) as newest
        from credit_card_balance
        group by all
    """,
    one_per_client=True,
    variables={
        "UTILISATION": "case when used = 1 then utilisation end",
        "DRAWING_SHARE": "case when used = 1 then drawing_share end",
        "LATE_SHARE": "case when used = 1 then late_share end",
        "ABANDONED": "case when used = 1 then abandoned end",
        "NEWEST": "newest",
    },
)

BLOCKS = {
    "bureau": BUREAU, "balance": BALANCE, "previous": PREVIOUS, "instalments": INSTALMENTS, "pos": POS, "card": CARD,
}  # fmt: skip

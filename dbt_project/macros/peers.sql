{# What clients are compared in with peers, and how many decimals of it are kept. #}
{% macro product_term_measures() -%}
    {{ return([
        {'name': 'ext_source_mean', 'decimals': 6, 'says': 'the mean of the known external scores', 'label': 'mean external score'},
        {'name': 'ext_source_2', 'decimals': 6, 'says': 'the second external score', 'label': 'external score 2'},
        {'name': 'ext_source_3', 'decimals': 6, 'says': 'the third external score', 'label': 'external score 3'},
        {'name': 'days_employed', 'decimals': none, 'says': 'the start of the present employment', 'label': 'start of the employment'},
        {'name': 'cnt_payment', 'decimals': 6, 'says': 'mean term of approved previous applications'},
        {'name': 'interest_rate', 'decimals': 6, 'says': 'mean interest rate of approved previous applications'},
        {'name': 'refused_share', 'decimals': 6, 'says': 'share of previous applications that were refused'},
    ]) }}
{%- endmacro %}

{% macro demography_measures() -%}
    {{ return([
        {'name': 'amt_income_total', 'decimals': 3, 'says': 'yearly income', 'label': 'yearly income', 'theme': 'affordability'},
        {'name': 'amt_credit', 'decimals': 3, 'says': 'credit asked for', 'label': 'credit asked for', 'theme': 'loan'},
        {'name': 'amt_annuity', 'decimals': 3, 'says': 'annuity', 'label': 'monthly payment', 'theme': 'loan'},
        {'name': 'ext_source_mean', 'decimals': 6, 'says': 'mean of the known external scores', 'label': 'mean external score',
            'theme': 'external_scores'},
    ]) }}
{%- endmacro %}

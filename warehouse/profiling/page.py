"""The page: its frame, and its sections in the order in which people ask."""

from warehouse.profiling.content import Profile
from warehouse.profiling.markup import Html, html, join, section
from warehouse.profiling.overview import classes, data_sets, facts, missing_values, odd_values
from warehouse.profiling.risk import correlations, default_rates, features
from warehouse.profiling.style import STYLE

SECTIONS = {
    "data": ("Data sets", data_sets),
    "target": ("Class imbalance", classes),
    "missing": ("Missing values", missing_values),
    "rates": ("Default rates", default_rates),
    "oddities": ("Outliers and sentinels", odd_values),
    "correlations": ("Correlations with default", correlations),
    "features": ("Features of the marts", features),
}


def render(profile: Profile) -> Html:
    """The whole page, which needs nothing from the network."""
    contents = "".join(f'<li><a href="#{anchor}">{html(name)}</a></li>' for anchor, (name, _) in SECTIONS.items())
    rows = sum(one.rows for one in profile.tables)
    body = join(section(anchor, heading, make(profile)) for anchor, (heading, make) in SECTIONS.items())
    return Html(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Data profile of {html(profile.warehouse)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>Data profile</h1>
<p class="soft">The raw tables of {html(profile.warehouse)}, all {rows:,} rows counted in the database on
{profile.made_at:%Y-%m-%d at %H:%M} UTC.</p>
<nav aria-label="Contents"><ol>{contents}</ol></nav>
</header>
<main>
{facts(profile)}
{body}
</main>
<footer>Written by <code>python -m warehouse.profile</code>. Intervals are Wilson's at 95 %.</footer>
</body>
</html>
""")

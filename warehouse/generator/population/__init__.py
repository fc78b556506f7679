"""Who the generated clients are: marginals, dependence, drift."""

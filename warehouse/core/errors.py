"""The exceptions of the whole project: everything a user can get wrong is one of these.

A message is one line: what was expected, what was found, what to do.
"""

import sys


class CreditWarehouseError(Exception):
    """Base of every error that a command reports in one line instead of a traceback."""

    def __init__(self, *, expected: str, found: str, remedy: str) -> None:
        super().__init__(f"expected {expected}; found {found}; {remedy}")
        self.expected = expected
        self.found = found
        self.remedy = remedy


class SettingsError(CreditWarehouseError):
    """An environment variable or an option has a value that cannot be used."""


class ContractError(CreditWarehouseError):
    """The contract of the raw files in the dbt sources YAML is not usable."""


class RawDataError(CreditWarehouseError):
    """A raw file is missing, or is not what the contract says."""


class WarehouseMissingError(CreditWarehouseError):
    """The warehouse file, or a mart in it, has not been built yet."""


class WarehouseLockedError(CreditWarehouseError):
    """Another process holds the warehouse file."""


class QualityGateError(CreditWarehouseError):
    """The marts did not pass the quality gate, or have not been through it."""


class SnapshotError(CreditWarehouseError):
    """A published snapshot is missing, damaged or not what its manifest says."""


class TrainingDataError(CreditWarehouseError):
    """The training set cannot be learned from."""


class ModelError(CreditWarehouseError):
    """A registered or exported model is missing or cannot be used."""


class PromotionRefusedError(CreditWarehouseError):
    """A guard refused to make a model the champion."""


def first_line(error: BaseException) -> str:
    """First line of an exception's text."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def is_interrupt(error: BaseException) -> bool:
    """Whether an exception means Ctrl-C, which DuckDB raises as errors of its own while it works."""
    duckdb = sys.modules.get("duckdb")
    return (
        isinstance(error, KeyboardInterrupt)
        or (duckdb is not None and isinstance(error, duckdb.InterruptException))
        # what its Python client raises when the signal arrives while it waits for the engine
        or (type(error) is RuntimeError and str(error) == "Query interrupted")
    )

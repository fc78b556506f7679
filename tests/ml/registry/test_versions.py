"""One option `--version`, the same for every command: a number, the newest, or the champion."""

import pytest

from ml.explain import main as explain_main
from ml.export import main as export_main
from ml.fairness import main as fairness_main
from ml.model_card import main as card_main
from ml.predict import main as predict_main
from ml.registry.registry import Registry
from tests.support.ml_fixtures import prepare_store
from warehouse.core.errors import ModelError

COMMANDS = {
    "explain": (explain_main, []),
    "export": (export_main, []),
    "fairness": (fairness_main, []),
    "model_card": (card_main, []),
    "predict": (predict_main, ["--population", "scoring"]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_version_that_is_neither_a_number_nor_the_newest_is_a_usage_error(name, capsys):
    main, arguments = COMMANDS[name]
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--version", "latest"])
    assert stop.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("error: argument --version: expected a number or newest; found 'latest'")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_names_the_choices(name, capsys):
    with pytest.raises(SystemExit) as stop:
        COMMANDS[name][0](["--help"])
    assert stop.value.code == 0
    assert "--version N|newest" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (None, "expected a champion of credit_scoring_model in .*; found none; run: python -m ml.train"),
        ("newest", "expected a version of credit_scoring_model in .*; found none; run: python -m ml.train"),
        (7, "expected version 7 of credit_scoring_model in .*; found no such version"),
    ],
)
def test_what_is_not_there_is_said(version, message, tmp_path_factory, tmp_path):
    registry = Registry(prepare_store(tmp_path_factory, tmp_path))
    with pytest.raises(ModelError, match=message):
        registry.resolve(version)

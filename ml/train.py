"""Train the credit-scoring model on `marts.training_set`, judge it, register it, export the champion.

python -m ml.train [--snapshot ID | --database FILE] [--seed S] [--folds K] [--repeats R] [--holdout SHARE] ...

What is chosen (features, calibration, threshold) is chosen on the development rows; the hold-out is judged once, by a
model fitted on the development rows. Then the same recipe is fitted on all applicants: that is the model registered, as
is usual practice, and the hold-out's measures are those of its smaller twin.
"""

import sys
import time
from collections.abc import Sequence

from ml.training.options import parser
from warehouse.core.cli import command
from warehouse.core.errors import PromotionRefusedError
from warehouse.core.settings import Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Train on marts that passed the quality gate, and print a summary."""
    options = parser(__doc__).parse_args(argv)

    from ml.data.source import find_source
    from ml.data.training_set import read_training_data
    from ml.modelling.recipe import TrainingConfig
    from ml.registry.registry import Registry
    from ml.training.recipe import recipe_for
    from ml.training.summary import summary
    from ml.training.workflow import _say, train

    started = time.perf_counter()
    settings = Settings.from_environment()
    TrainingConfig(seed=options.seed, folds=options.folds, rounds=options.rounds or 1)  # refuse before reading
    source = find_source(settings, snapshot=options.snapshot, database=options.database)
    data = read_training_data(source, approved=True)
    _say(f"data: {source}, quality gate {source.origin.quality_gate}")
    config, origin = recipe_for(options, settings, data)
    _say(f"recipe: {origin}")
    model_dir = (options.out or settings.model_dir).expanduser().resolve()
    outcome = train(data, config, Registry(settings), model_dir, override_guard=options.override_guard)
    _say(f"trained in {time.perf_counter() - started:.0f} s\n\n{summary(outcome)}")
    if outcome.verdict.refused:
        raise PromotionRefusedError(
            expected="a model that no guard objects to",
            found=f"{outcome.verdict.reason} (version {outcome.model.version} is registered as challenger)",
            remedy="look for a feature that knows the outcome or for too large trees, or pass --override-guard",
        )


if __name__ == "__main__":
    sys.exit(main())

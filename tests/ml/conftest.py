"""What the tests of `ml` share."""

from collections.abc import Iterator

import pytest

OF_THE_CHECK = ("test_export", "test_record")


@pytest.fixture(scope="module", autouse=True)
def _exports_are_not_asked_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """An export has a new process load it, which takes seconds: the tests of exports, and of the whole flow, do so."""
    with pytest.MonkeyPatch.context() as patch:
        if request.module.__name__.rsplit(".", maxsplit=1)[-1] not in OF_THE_CHECK:
            patch.setattr("ml.registry.export._require_answer", lambda folder, loaded: None)
        yield

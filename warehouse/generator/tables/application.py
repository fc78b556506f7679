"""Rows of application_train and application_test from the scores of the clients."""

from collections.abc import Iterator

import numpy as np

from warehouse.generator.population.clients import Chunk, Population
from warehouse.generator.population.marginals import NULL_CODE
from warehouse.generator.population.recipe import HOUSING, SENTINEL
from warehouse.generator.population.statistics import Statistics
from warehouse.generator.tables.target import draw_target

Array = np.ndarray
RARITIES = {"CODE_GENDER": ("XNA", 4 / 307_511), "NAME_FAMILY_STATUS": ("Unknown", 2 / 307_511)}
ABSURD_INCOME, ABSURD_INCOME_SHARE = 117_000_000.0, 1 / 307_511
TWO_ADULTS = ("Married", "Civil marriage")
YOUNGEST_AT_WORK = 17 * 365


def application_chunks(population: Population, *, test: bool) -> Iterator[dict[str, Array]]:
    """Rows of application_train or application_test, chunk by chunk."""
    for chunk in population.chunks():
        rng = population.rng("application_test" if test else "application_train", chunk.number)
        wanted = chunk.is_test == test
        part = Chunk(chunk.number, chunk.ids[wanted], chunk.is_test[wanted], chunk.scores[wanted])
        columns = Applicants(population.statistics, rng, part).columns()
        if not test:
            columns["TARGET"] = draw_target(population, population.rng("target", chunk.number), chunk)[wanted]
        yield columns


class Applicants:
    """Columns of one chunk of applications, made one after the other."""

    def __init__(self, statistics: Statistics, rng: np.random.Generator, chunk: Chunk) -> None:
        self.statistics, self.rng, self.chunk = statistics, rng, chunk
        self.model, self.texts, self.size = statistics.clients, statistics.texts, len(chunk.ids)
        self.drawn: dict[str, Array] = {}

    def columns(self) -> dict[str, Array]:
        """All columns but the target; text as codes, null as NaN or -1."""
        for name in self.model.variables:
            if not name.endswith("?"):
                self.drawn[name] = self.model.variables[name].at(self._score(name))
        self._building()
        for name, null in self.model.nulls.items():
            self.drawn[name][self._flag(null)] = NULL_CODE if self._is_text(name) else np.nan
        self._work()
        self._money()
        self._household()
        self._places()
        self._circle()
        self.drawn["SK_ID_CURR"] = self.chunk.ids
        return self.drawn

    def _score(self, name: str) -> Array:
        """Score in the copula, or an independent one for the few variables outside."""
        if name in self.model.position:
            return self.chunk.scores[:, self.model.position[name]]
        return self.rng.standard_normal(self.size)

    def _flag(self, name: str) -> Array:
        return self.model.variables[name].at(self._score(name)) == 1

    def _is_text(self, name: str) -> bool:
        return name.startswith("NAME_") or name in (
            "FONDKAPREMONT_MODE", "HOUSETYPE_MODE", "WALLSMATERIAL_MODE", "EMERGENCYSTATE_MODE",
        )  # fmt: skip

    def _is(self, name: str, *values: str) -> Array:
        return self.texts.mask(*values)[self.drawn[name].astype(int)]

    def _building(self) -> None:
        """_MODE and _MEDI: the value of _AVG, or one of their own with a correlated score."""
        for base in HOUSING:
            average, score = self.drawn[f"{base}_AVG"], self._score(f"{base}_AVG")
            for kind in ("MODE", "MEDI"):
                equal, correlation, marginal = self.model.housing[f"{base}_{kind}"]
                noise = self.rng.standard_normal(self.size) * np.sqrt(1 - correlation**2)
                own = np.round(marginal.at(correlation * score + noise), 4)
                self.drawn[f"{base}_{kind}"] = np.where(self.rng.random(self.size) < equal, average, own)

    def _work(self) -> None:
        """Who is not employed has the sentinel, no employer and no occupation."""
        idle = self.drawn["NOT_EMPLOYED"] == 1
        code = self.texts.code
        born = self.drawn["DAYS_BIRTH"] = np.round(self.drawn["DAYS_BIRTH"])
        since = np.minimum(np.round(self.drawn["DAYS_EMPLOYED"]), 0)
        since = np.maximum(since, np.minimum(born + YOUNGEST_AT_WORK, -1))
        self.drawn["DAYS_EMPLOYED"] = np.where(idle, SENTINEL, since)
        self.drawn["FLAG_EMP_PHONE"] = (~idle).astype(float)
        self.drawn["NAME_INCOME_TYPE"] = np.where(idle, code("Pensioner"), self.drawn["WORK_TYPE"])
        self.drawn["ORGANIZATION_TYPE"] = np.where(idle, code("XNA"), self.drawn["ORGANIZATION"])
        unknown = idle | (self.drawn["OCCUPATION"] == code("none"))
        self.drawn["OCCUPATION_TYPE"] = np.where(unknown, NULL_CODE, self.drawn["OCCUPATION"])
        for name in ("DAYS_REGISTRATION", "DAYS_ID_PUBLISH", "DAYS_LAST_PHONE_CHANGE"):
            self.drawn[name] = np.maximum(np.minimum(np.round(self.drawn[name]), 0), born)

    def _money(self) -> None:
        """Credit follows from the price, the annuity from the credit; both are multiples of 4.5."""
        price = np.round(self.drawn["AMT_GOODS_PRICE"] / 4500) * 4500
        revolving = self._is("NAME_CONTRACT_TYPE", "Revolving loans")
        known_price = np.where(np.isnan(price), 270_000.0, price)
        credit = known_price * np.where(revolving, 1.0, self.drawn["CREDIT_TO_PRICE"])
        credit = np.round(credit / 4.5) * 4.5
        annuity = credit / np.where(revolving, 20.0, self.drawn["CREDIT_TO_ANNUITY"])
        income = self.drawn["AMT_INCOME_TOTAL"]
        step = np.where(self.rng.random(self.size) < 0.97, 4500.0, 450.0)
        self.drawn["AMT_GOODS_PRICE"] = price
        self.drawn["AMT_CREDIT"] = credit
        self.drawn["AMT_ANNUITY"] = np.round(annuity / 4.5) * 4.5
        absurd = self.rng.random(self.size) < ABSURD_INCOME_SHARE
        self.drawn["AMT_INCOME_TOTAL"] = np.where(absurd, ABSURD_INCOME, np.maximum(np.round(income / step), 5) * step)

    def _household(self) -> None:
        adults = np.where(self._is("NAME_FAMILY_STATUS", *TWO_ADULTS), 2, 1)
        self.drawn["CNT_FAM_MEMBERS"] = self.drawn["CNT_CHILDREN"] + adults
        self.drawn["OWN_CAR_AGE"] = np.where(self._is("FLAG_OWN_CAR", "Y"), np.round(self.drawn["OWN_CAR_AGE"]), np.nan)
        for name, (value, share) in RARITIES.items():
            self.drawn[name] = np.where(self.rng.random(self.size) < share, self.texts.code(value), self.drawn[name])

    def _places(self) -> None:
        """Who lives where registered works elsewhere for both addresses, or for neither."""
        rating = self.drawn["REGION_RATING_CLIENT"] + self.drawn["RATING_CITY_STEP"]
        self.drawn["REGION_RATING_CLIENT_W_CITY"] = np.clip(rating, 1, 3)
        for place in ("REGION", "CITY"):
            moved = self.drawn[f"REG_{place}_NOT_LIVE_{place}"] == 1
            self.drawn[f"LIVE_{place}_NOT_WORK_{place}"] = np.where(
                moved, self.drawn[f"LIVE_NOT_WORK_{place}"], self.drawn[f"REG_{place}_NOT_WORK_{place}"]
            )

    def _circle(self) -> None:
        """Nobody has more defaulters around than acquaintances."""
        seen = self.drawn["OBS_30_CNT_SOCIAL_CIRCLE"]
        late = np.where(seen > 0, np.minimum(self.drawn["DEF_30"], seen), seen)
        self.drawn["DEF_30_CNT_SOCIAL_CIRCLE"] = late
        self.drawn["OBS_60_CNT_SOCIAL_CIRCLE"] = np.maximum(seen - self.drawn["OBS_60_STEP"], 0)
        later = np.where(late > 0, late - self.drawn["DEF_60_STEP"], late)
        self.drawn["DEF_60_CNT_SOCIAL_CIRCLE"] = np.clip(later, 0, self.drawn["OBS_60_CNT_SOCIAL_CIRCLE"])

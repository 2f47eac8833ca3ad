"""The methods of the benchmark `tables`, each with its own defaults.

A method gets the training rows and returns predictions for the test rows: probabilities of
classes, or numbers. Methods that need validation rows split them off the training rows, as
they do by default.
"""

import json
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def lightgbm(is_classification, seed, n_threads, _table):
    import lightgbm

    kind = lightgbm.LGBMClassifier if is_classification else lightgbm.LGBMRegressor
    return kind(random_state=seed, n_jobs=n_threads, verbose=-1)


def xgboost(is_classification, seed, n_threads, _table):
    import xgboost

    kind = xgboost.XGBClassifier if is_classification else xgboost.XGBRegressor
    return kind(random_state=seed, n_jobs=n_threads, enable_categorical=True)


def catboost(is_classification, seed, n_threads, table):
    import catboost

    kind = catboost.CatBoostClassifier if is_classification else catboost.CatBoostRegressor
    model = kind(
        random_seed=seed,
        thread_count=n_threads,
        verbose=False,
        allow_writing_files=False,
        cat_features=categories(table.inputs),
    )
    return make_pipeline(WithoutMissingCategories(), model)


def hist_gradient_boosting(is_classification, seed, _n_threads, _table):
    kinds = (HistGradientBoostingRegressor, HistGradientBoostingClassifier)
    return kinds[is_classification](random_state=seed, categorical_features="from_dtype")


def random_forest(is_classification, seed, n_threads, _table):
    kinds = (RandomForestRegressor, RandomForestClassifier)
    forest = kinds[is_classification](random_state=seed, n_jobs=n_threads)
    return make_pipeline(one_hot(scale=False), forest)


def scikit_learn_mlp(is_classification, seed, _n_threads, _table):
    if is_classification:
        return make_pipeline(one_hot(scale=True), MLPClassifier(random_state=seed))
    network = make_pipeline(one_hot(scale=True), MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(network, transformer=StandardScaler())


def realmlp_s(is_classification, seed, n_threads, _table):
    from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor

    kinds = (RealMLP_TD_S_Regressor, RealMLP_TD_S_Classifier)
    return of_pytabkit(kinds[is_classification], seed, n_threads)


def realmlp(is_classification, seed, n_threads, _table):
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    kinds = (RealMLP_TD_Regressor, RealMLP_TD_Classifier)
    return of_pytabkit(kinds[is_classification], seed, n_threads)


def tabm(is_classification, seed, n_threads, _table):
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    kinds = (TabM_D_Regressor, TabM_D_Classifier)
    return of_pytabkit(kinds[is_classification], seed, n_threads)


def of_pytabkit(kind, seed, n_threads):
    """These networks need numbers in every numeric cell."""
    model = kind(random_state=seed, n_threads=n_threads, device="cpu", verbosity=0)
    return make_pipeline(WithoutMissingNumbers(), model)


# Name, constructor, and the package whose version is recorded.
PEERS = {
    "lightgbm": (lightgbm, "lightgbm"),
    "xgboost": (xgboost, "xgboost"),
    "catboost": (catboost, "catboost"),
    "sklearn-mlp": (scikit_learn_mlp, "scikit-learn"),
    "random-forest": (random_forest, "scikit-learn"),
    "hist-gradient-boosting": (hist_gradient_boosting, "scikit-learn"),
    "realmlp-td-s": (realmlp_s, "pytabkit"),
    "realmlp-td": (realmlp, "pytabkit"),
    "tabm": (tabm, "pytabkit"),
}

# The recipe of RealMLP-TD-S as flags.
REALMLP_S = (
    "--preset tabular-fast --numeric-embedding none --scaling robust --epochs 256 "
    "--patience 256 --monitor error --validation 0.2 --stratify false --drop-last "
    "--data-init false --init lecun --bias-init normal:std=1 --output-init zeros "
    "--calibrate none"
).split()

# Name, and the flags of `nn train`.
OURS = {
    "nn": [],
    "nn-plain": ["--preset", "plain"],
    "nn-tabular": ["--preset", "tabular"],
    "nn-tabular-fast": ["--preset", "tabular-fast"],
    "nn-ensemble": ["--ensemble", "5"],
    "nn-realmlp-td-s": REALMLP_S,
}

NAMES = [*OURS, *PEERS]


def version_of(method, nn):
    if method in PEERS:
        return version(PEERS[method][1])
    output = subprocess.run([nn, "--version"], check=True, capture_output=True, text=True)
    return output.stdout.split()[-1]


class Nn:
    """`nn train` on a CSV file whose column `split` has the rows of each split."""

    def __init__(self, nn, flags, seed, n_threads):
        self.nn, self.flags, self.seed, self.n_threads = nn, flags, seed, n_threads

    def scores(self, table, train, test):
        """Error, log loss and seconds; the seconds include starting the program and reading
        the file."""
        rows = numpy.concatenate([train, test])
        frame = table.inputs.iloc[rows].copy()
        frame["target"] = table.targets[rows]
        if table.is_classification:
            frame["target"] = [f"class {target}" for target in table.targets[rows]]
        frame["split"] = ["train"] * len(train) + ["test"] * len(test)
        with tempfile.TemporaryDirectory() as folder:
            frame.to_csv(Path(folder) / "table.csv", index=False)
            summary = self.train(folder, table.is_classification)
        if table.is_classification:
            return {
                "error": 1.0 - summary["test_accuracy"],
                "log_loss": summary["test_log_loss"],
            }
        return {"error": summary["test_rmse"], "log_loss": None}

    def train(self, folder, is_classification):
        task = "classification" if is_classification else "regression"
        flags = ["--data", "table.csv", "--target", "target", "--task", task]
        flags += ["--split-column", "split", "--seed", str(self.seed), "--name", "run"]
        flags += ["--threads", str(self.n_threads), "--no-report", "--json", *self.flags]
        done = subprocess.run(
            [self.nn, "train", *flags], cwd=folder, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip().splitlines()[0])
        return json.loads((Path(folder) / "runs/run/summary.json").read_text())


class Peer:
    """A model with the interface of scikit-learn."""

    def __init__(self, build, seed, n_threads):
        self.build, self.seed, self.n_threads = build, seed, n_threads

    def scores(self, table, train, test):
        model = self.build(table.is_classification, self.seed, self.n_threads, table)
        model.fit(table.inputs.iloc[train], table.targets[train])
        rows, targets = table.inputs.iloc[test], table.targets[test]
        if not table.is_classification:
            predicted = numpy.asarray(model.predict(rows), dtype=float).ravel()
            return {
                "error": float(numpy.sqrt(numpy.mean((predicted - targets) ** 2))),
                "log_loss": None,
            }
        probabilities = numpy.asarray(model.predict_proba(rows), dtype=float)
        wrong = probabilities.argmax(axis=1) != targets
        # Smaller probabilities of the true class count as 1e-7, as in single precision.
        of_true = numpy.clip(probabilities[numpy.arange(len(targets)), targets], 1e-7, 1.0)
        return {
            "error": float(numpy.mean(wrong)),
            "log_loss": float(-numpy.mean(numpy.log(of_true))),
        }


def method(name, nn, seed, n_threads):
    if name in OURS:
        return Nn(nn, OURS[name], seed, n_threads)
    return Peer(PEERS[name][0], seed, n_threads)


def categories(inputs):
    return list(inputs.select_dtypes("category"))


class Transformer:
    """A step of a pipeline that keeps the types of the columns."""

    def fit(self, inputs, _targets=None):
        self.medians = inputs.select_dtypes("number").median()
        return self

    def fit_transform(self, inputs, targets=None):
        return self.fit(inputs, targets).transform(inputs)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "medians")


class WithoutMissingCategories(Transformer):
    """Missing categories are a category of their own."""

    def transform(self, inputs):
        inputs = inputs.copy()
        for column in categories(inputs):
            inputs[column] = inputs[column].astype(object).fillna("missing").astype(str)
        return inputs


class WithoutMissingNumbers(WithoutMissingCategories):
    """Missing numbers are the median of the training rows, as in `nn`."""

    def transform(self, inputs):
        return super().transform(inputs.fillna(self.medians))


def one_hot(scale):
    """One input per category; missing numbers are medians with an indicator."""
    numbers = [SimpleImputer(strategy="median", add_indicator=True)]
    if scale:
        numbers.append(StandardScaler())
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(*numbers), make_column_selector(dtype_include="number")),
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                make_column_selector(dtype_include="category"),
            ),
        ]
    )

"""The tables of the benchmark `tables`, and their splits."""

from dataclasses import dataclass
from pathlib import Path

import numpy
import pandas
from sklearn import datasets
from sklearn.model_selection import train_test_split

TEST_FRACTION = 0.2

# Marks of missing values, as in `nn`.
MARKS = ["", "NA", "N/A", "NaN", "null", "NULL", "None", "?", "-"]


@dataclass(frozen=True)
class Source:
    """A table: its files, its target (a name, or -1 for the last column) and its columns
    that no method gets."""

    name: str
    files: tuple
    target: object
    is_classification: bool
    has_header: bool = True
    ignored: tuple = ()


# Settings and presets of `nn` were chosen on the development tables only.
DEVELOPMENT = ["adult", "california", "phoneme", "abalone", "titanic", "german"]

SOURCES = [
    Source("adult", ("adult-train.csv", "adult-test.csv"), -1, True, has_header=False),
    Source("california", ("california.csv",), "median_house_value", False),
    Source("phoneme", ("phoneme.csv",), -1, True, has_header=False),
    Source("abalone", ("abalone.csv",), -1, False, has_header=False),
    # The column `alive` is the target in other words.
    Source("titanic", ("titanic.csv",), "survived", True, ignored=("alive",)),
    Source("german", ("german.csv",), -1, True, has_header=False),
    Source("diamonds", ("diamonds.csv",), "price", False),
    Source("wheat-seeds", ("wheat-seeds.csv",), -1, True, has_header=False),
    Source("banknote", ("banknote.csv",), -1, True, has_header=False),
    Source("penguins", ("penguins.csv",), "species", True),
    # The names of the cars are text, almost all different.
    Source("mpg", ("mpg.csv",), "mpg", False, ignored=("name",)),
]

SCIKIT_LEARN = {
    "breast_cancer": (datasets.load_breast_cancer, True),
    "wine": (datasets.load_wine, True),
    "diabetes": (datasets.load_diabetes, False),
}

NAMES = [source.name for source in SOURCES] + list(SCIKIT_LEARN)


@dataclass
class Table:
    """The inputs, with text columns of dtype `category`, and the targets: numbers, or classes
    counted from 0."""

    name: str
    inputs: pandas.DataFrame
    targets: numpy.ndarray
    is_classification: bool

    def split(self, seed):
        """The positions of the training and test rows, stratified by class."""
        return train_test_split(
            numpy.arange(len(self.targets)),
            test_size=TEST_FRACTION,
            random_state=seed,
            stratify=self.targets if self.is_classification else None,
        )


def load(name, folder):
    """Loads a table; `None` if `folder` does not have its files."""
    if name in SCIKIT_LEARN:
        reader, is_classification = SCIKIT_LEARN[name]
        inputs, targets = reader(return_X_y=True, as_frame=True)
        return prepared(name, inputs, targets, is_classification)
    source = next(source for source in SOURCES if source.name == name)
    paths = [Path(folder) / file for file in source.files]
    if not all(path.is_file() for path in paths):
        return None
    frame = pandas.concat([read(path, source) for path in paths], ignore_index=True)
    target = frame.columns[-1] if source.target == -1 else source.target
    frame = frame.dropna(subset=[target])
    targets = frame[target]
    if source.is_classification and not pandas.api.types.is_numeric_dtype(targets):
        # The labels of one of adult's two files end with a full stop.
        targets = targets.astype(str).str.rstrip(".")
    inputs = frame.drop(columns=[target, *source.ignored])
    return prepared(name, inputs, targets, source.is_classification)


def read(path, source):
    frame = pandas.read_csv(
        path,
        header=0 if source.has_header else None,
        na_values=MARKS,
        keep_default_na=False,
        skipinitialspace=True,
    )
    frame.columns = [str(column) for column in frame.columns]
    return frame


def prepared(name, inputs, targets, is_classification):
    inputs = inputs.reset_index(drop=True).copy()
    inputs.columns = [f"c{column}" if str(column).isdigit() else str(column) for column in inputs]
    for column in inputs:
        if not pandas.api.types.is_numeric_dtype(inputs[column]) or inputs[column].dtype == bool:
            inputs[column] = inputs[column].astype(str).where(inputs[column].notna())
            inputs[column] = inputs[column].astype("category")
        else:
            inputs[column] = inputs[column].astype(float)
    if is_classification:
        targets = pandas.factorize(targets, sort=True)[0]
    return Table(name, inputs, numpy.asarray(targets), is_classification)

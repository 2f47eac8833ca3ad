# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "keras>=3.10", "numpy>=2", "onnx>=1.18", "onnxruntime>=1.20", "onnxscript>=0.5",
#     "safetensors>=0.5", "scikit-learn>=1.6", "skl2onnx>=1.18", "torch>=2.8",
# ]
# ///
"""Imports models of PyTorch, Keras and scikit-learn into nn, and compares their outputs.

Each model is saved by its own program: as an ONNX file (both exporters of PyTorch, Keras'
export, skl2onnx), as a safetensors file, or as an archive of NumPy arrays. `nn import` reads the
file, `nn export` writes the run as an ONNX file again, and ONNX Runtime computes this file on
10 000 rows. The outputs must be those of the program that saved the model within 1e-5 times the
larger of 1 and the output. Exit status 1 on a difference.

30 random networks of PyTorch, half of them as ONNX files and half as safetensors files, also go
back to PyTorch: the weights of the run's `model.safetensors` in a new PyTorch network give the
same outputs, and the same class wherever the two largest outputs differ by more than that.

    usage: python check_import.py [--nn PROGRAM] [--rows N] [--models N] [--fixtures FOLDER]

With `--fixtures`, the files are also written to a folder, each with eight rows and the outputs of
its program (`NAME.json`): the test files of the crate nn-import.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
warnings.filterwarnings("ignore")

import keras
import numpy as np
import onnxruntime
import safetensors.numpy
import safetensors.torch
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skl2onnx import to_onnx
from torch import nn

ROOT = Path(__file__).parent.parent
TOLERANCE = 1e-5
CARGO = ["cargo", "run", "-q"]
N_FIXTURE_ROWS = 8
N_CLASSES = 3


def main():
    options = arguments()
    program = shlex.split(options.nn) if options.nn else [*CARGO, "-p", "nn-cli", "--"]
    n_wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for make in [pytorch_models, keras_models, sklearn_models]:
            for name, file, flags, shape, predict in make(folder):
                rows = random_rows(options.rows, shape)
                expected = predict(rows)
                if options.fixtures:
                    write_fixture(options.fixtures, file, flags, rows, predict)
                n_wrong += check(program, folder, name, file, flags, rows, expected)
        for seed in range(options.models):
            n_wrong += check_random_network(program, folder, seed, options.rows)
    sys.exit(1 if n_wrong else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--nn", help="the program nn (default: cargo run)")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=30, help="number of random networks")
    parser.add_argument("--fixtures", type=Path, help="write the files to this folder")
    return parser.parse_args()


def random_rows(n_rows, shape):
    return np.random.default_rng(1).normal(size=(n_rows, *shape)).astype(np.float32)


def check(program, folder, name, file, flags, rows, expected):
    """Imports the file, exports the run, and compares the outputs. Returns 1 on a difference."""
    run = name.replace(" ", "-")
    runs = ["--runs-dir", str(folder / "runs")]
    imported = [*program, "import", str(file), "--name", run, *runs, *flags]
    subprocess.run(imported, cwd=ROOT, check=True, capture_output=True, text=True)
    onnx_file = folder / f"{run}-exported.onnx"
    exported = [*program, "export", run, "--format", "onnx", "-o", str(onnx_file), *runs]
    subprocess.run(exported, cwd=ROOT, check=True, capture_output=True, text=True)
    session = onnxruntime.InferenceSession(onnx_file)
    outputs = session.run(None, {"input": rows.reshape(len(rows), -1)})
    found = next(output for output in outputs if output.dtype == np.float32)
    return report(name, found, expected)


def report(name, found, expected):
    """Prints the largest difference. Returns 1 if the outputs or the classes differ."""
    scale = np.maximum(1, np.abs(expected))
    worst = float((np.abs(found - expected) / scale).max())
    is_equal = found.shape == expected.shape and worst <= TOLERANCE
    if is_equal and expected.shape[1] > 1:
        best = np.sort(expected, axis=1)
        is_clear = best[:, -1] - best[:, -2] > TOLERANCE * scale.max(axis=1)
        is_equal = (found.argmax(axis=1) == expected.argmax(axis=1))[is_clear].all()
    print(f"{'ok' if is_equal else 'WRONG':<5} {name:<46} {worst:.1e}", flush=True)
    return 0 if is_equal else 1


def write_fixture(folder, file, flags, rows, predict):
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder / file.name)
    data = file.with_name(file.name + ".data")
    if data.exists():
        shutil.copy(data, folder / data.name)
    rows = rows[:N_FIXTURE_ROWS]
    record = {
        "flags": flags,
        "rows": rows.reshape(len(rows), -1).tolist(),
        "outputs": predict(rows).tolist(),
    }
    (folder / f"{file.name}.json").write_text(json.dumps(record) + "\n")


def both_classes(probability):
    return np.stack([1 - probability, probability], axis=1)


# PyTorch


def randomize(module):
    """Random running averages, scales and shifts, so that normalization is not the identity."""
    generator = torch.Generator().manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.LayerNorm)):
            for values in [layer.weight, layer.bias]:
                values.data += 0.3 * torch.randn(values.shape, generator=generator)
        if isinstance(layer, nn.BatchNorm1d):
            layer.running_mean += 0.3 * torch.randn(layer.running_mean.shape, generator=generator)
            layer.running_var *= 0.5 + torch.rand(layer.running_var.shape, generator=generator)


def pytorch_models(folder):
    torch.manual_seed(0)
    image = nn.Sequential(
        nn.Flatten(),
        nn.Linear(16, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(12, 8), nn.LayerNorm(8), nn.GELU(),
        nn.Linear(8, N_CLASSES),
    )  # fmt: skip
    activations = [
        nn.PReLU(8), nn.Hardtanh(), nn.Hardsigmoid(), nn.SELU(), nn.ELU(), nn.Softplus(),
        nn.LeakyReLU(0.1), nn.SiLU(), nn.Mish(), nn.Tanh(), nn.Sigmoid(),
    ]  # fmt: skip
    deep = [nn.Linear(4, 8, bias=False)]
    for activation in activations:
        deep += [activation, nn.Linear(8, 8)]
    deep = nn.Sequential(*deep, nn.ReLU(), nn.Linear(8, 2))
    regression = ["--output-activation", "identity"]

    def predict_with(module, output=None):
        def predict(rows):
            with torch.no_grad():
                outputs = module(torch.from_numpy(rows))
                return (output(outputs) if output else outputs).numpy()

        return predict

    softmax = nn.Softmax(dim=1)
    for module, shape, flags, name, output in [
        (image, (1, 4, 4), [], "image", softmax),
        (deep, (4,), regression, "activations", None),
    ]:
        randomize(module)
        module.eval()
        predict = predict_with(module, output)
        example = torch.from_numpy(random_rows(1, shape))
        for is_dynamo, exporter in [(False, "torchscript"), (True, "dynamo")]:
            file = folder / f"pytorch-{exporter}-{name}.onnx"
            axes = {"dynamic_shapes": ({0: "batch"},)} if is_dynamo else {
                "input_names": ["input"], "dynamic_axes": {"input": {0: "batch"}}}
            with open(os.devnull, "w") as quiet:
                stdout, sys.stdout = sys.stdout, quiet
                torch.onnx.export(module, (example,), file, dynamo=is_dynamo, verbose=False, **axes)
                sys.stdout = stdout
            yield f"PyTorch {exporter} {name}", file, flags, shape, predict

    weights = nn.Sequential(
        nn.Linear(5, 10), nn.BatchNorm1d(10), nn.Tanh(),
        nn.Linear(10, 10), nn.Tanh(),
        nn.Linear(10, N_CLASSES),
    )  # fmt: skip
    randomize(weights)
    weights.eval()
    for dtype, name in [(torch.float32, "float32"), (torch.bfloat16, "bfloat16")]:
        file = folder / f"pytorch-{name}.safetensors"
        state = {f"net.{key}": value.to(dtype) if value.is_floating_point() else value
                 for key, value in weights.state_dict().items()}
        safetensors.torch.save_file(state, file)
        weights.load_state_dict({key[4:]: value for key, value in state.items()})
        yield f"PyTorch {name} safetensors", file, ["--activation", "tanh"], (5,), \
            predict_with(weights, softmax)


ACTIVATIONS = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": nn.ELU, "selu": nn.SELU,
    "gelu": nn.GELU, "mish": nn.Mish, "softplus": nn.Softplus, "swish": nn.SiLU,
    "hard-sigmoid": nn.Hardsigmoid, "hard-tanh": nn.Hardtanh,
}  # fmt: skip


def random_network(seed):
    """A network with random widths, activation functions and batch normalization."""
    generator = np.random.default_rng(seed)
    width = n_inputs = int(generator.integers(2, 20))
    layers, names = [], []
    for _ in range(generator.integers(1, 4)):
        n_outputs = int(generator.integers(2, 40))
        names.append(str(generator.choice(list(ACTIVATIONS))))
        layers.append(nn.Linear(width, n_outputs))
        if generator.random() < 0.4:
            layers.append(nn.BatchNorm1d(n_outputs))
        layers += [ACTIVATIONS[names[-1]](), nn.Dropout(0.2)]
        width = n_outputs
    torch.manual_seed(seed)
    network = nn.Sequential(*layers, nn.Linear(width, int(generator.integers(1, 6))))
    randomize(network)
    return network.eval(), n_inputs, names


def check_random_network(program, folder, seed, n_rows):
    """PyTorch to nn, and from there to ONNX Runtime and back to PyTorch. Returns the number of
    differences."""
    network, n_inputs, names = random_network(seed)
    rows = random_rows(n_rows, (n_inputs,))
    with torch.no_grad():
        expected = network(torch.from_numpy(rows)).numpy()
    flags = ["--task", "regression"]
    if seed % 2 == 0:
        file = folder / f"random-{seed}.safetensors"
        safetensors.torch.save_file(network.state_dict(), file)
        flags += ["--activation", ",".join(names)]
    else:
        file = folder / f"random-{seed}.onnx"
        torch.onnx.export(network, (torch.from_numpy(rows[:1]),), file, dynamo=False,
                          input_names=["input"], dynamic_axes={"input": {0: "batch"}})  # fmt: skip
    name = f"PyTorch random {seed}"
    n_wrong = check(program, folder, name, file, flags, rows, expected)
    model = folder / "runs" / name.replace(" ", "-") / "model.safetensors"
    network = with_weights_of(random_network(seed)[0], safetensors.torch.load_file(model))
    with torch.no_grad():
        found = network(torch.from_numpy(rows)).numpy()
    return n_wrong + report(f"{name}, back in PyTorch", found, expected)


def with_weights_of(network, tensors):
    """The network with the weights of a model file of nn in place of its own."""
    for values in [*network.parameters(), *network.buffers()]:
        values.data.zero_()
    layer = -1
    for module in network:
        if isinstance(module, nn.Linear):
            layer += 1
            module.weight.data = tensors[f"layers.{layer}.weight"].T
            module.bias.data = tensors[f"layers.{layer}.bias"]
        elif isinstance(module, nn.BatchNorm1d):
            norm = f"layers.{layer}.batch_norm."
            module.weight.data = tensors[norm + "gamma"]
            module.bias.data = tensors[norm + "beta"]
            module.running_mean = tensors[norm + "running_mean"]
            module.running_var = tensors[norm + "running_variance"]
    return network


# Keras


def keras_models(folder):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((4,)),
        layers.Normalization(mean=[1.0, 2.0, -1.0, 0.5], variance=[1.0, 4.0, 0.25, 2.0]),
        layers.Dense(10, activation="elu"),
        layers.BatchNormalization(),
        layers.Dense(8, activation="swish"),
        layers.Dropout(0.1),
        layers.Dense(8, activation="gelu"),
        layers.Dense(N_CLASSES, activation="softmax"),
    ])  # fmt: skip
    normalize_statistics(model)
    predict = lambda rows: model.predict(rows, verbose=0)  # noqa: E731
    predict(random_rows(1, (4,)))
    file = folder / "keras.onnx"
    model.export(file, format="onnx", verbose=False)
    yield "Keras ONNX", file, [], (4,), predict

    plain = keras.Sequential([
        layers.Input((4,)),
        layers.Dense(10),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Dense(6, activation="relu"),
        layers.Dense(N_CLASSES, activation="softmax"),
    ])  # fmt: skip
    normalize_statistics(plain)
    file = folder / "keras.npz"
    np.savez(file, **{v.path: keras.ops.convert_to_numpy(v) for v in plain.weights})
    yield "Keras npz", file, [], (4,), lambda rows: plain.predict(rows, verbose=0)


def normalize_statistics(model):
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            width = layer.gamma.shape[0]
            layer.set_weights([
                generator.normal(1, 0.2, width), generator.normal(0, 0.2, width),
                generator.normal(0, 0.5, width), generator.uniform(0.5, 2, width),
            ])  # fmt: skip


# scikit-learn


def sklearn_models(folder):
    generator = np.random.default_rng(0)
    x = generator.normal(3, 2, size=(200, 4)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 12).astype(int) + (x[:, 3] > 4)
    words = np.array(["low", "middle", "high"])

    scaled = make_pipeline(StandardScaler(), MLPClassifier((10,), max_iter=300, random_state=0))
    scaled.fit(x, words[y])
    file = folder / "sklearn-pipeline.onnx"
    file.write_bytes(to_onnx(scaled, x[:1]).SerializeToString())
    yield "scikit-learn pipeline ONNX", file, [], (4,), scaled.predict_proba

    binary = MLPClassifier((6, 5), activation="tanh", max_iter=300, random_state=0)
    binary.fit(x, words[np.minimum(y, 1)])
    file = folder / "sklearn-binary.onnx"
    onnx_options = {"zipmap": False}
    file.write_bytes(to_onnx(binary, x[:1], options=onnx_options).SerializeToString())
    yield "scikit-learn binary ONNX", file, [], (4,), binary.predict_proba

    linear = LogisticRegression().fit(x, y)
    file = folder / "sklearn-linear.npz"
    np.savez(file, coef_=linear.coef_, intercept_=linear.intercept_, classes_=linear.classes_)
    yield "scikit-learn linear npz", file, [], (4,), linear.predict_proba

    regressor = MLPRegressor(
        hidden_layer_sizes=(7,), activation="logistic", max_iter=300, random_state=0)
    regressor.fit(x, x[:, :2] * 10)
    file = folder / "sklearn-regressor.npz"
    named = {f"coefs_{i}": w for i, w in enumerate(regressor.coefs_)}
    named |= {f"intercepts_{i}": b for i, b in enumerate(regressor.intercepts_)}
    np.savez(file, **named)
    flags = ["--activation", "sigmoid", "--task", "regression"]
    yield "scikit-learn regressor npz", file, flags, (4,), regressor.predict

    file = folder / "sklearn-regressor.onnx"
    file.write_bytes(to_onnx(regressor, x[:1]).SerializeToString())
    yield "scikit-learn regressor ONNX", file, ["--task", "regression"], (4,), regressor.predict


if __name__ == "__main__":
    main()

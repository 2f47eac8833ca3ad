# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.15.0"]
# ///
"""Golden numbers from PyTorch in double precision, for the tests of nn-core.

Writes crates/nn-core/tests/golden/*.json. Keys are entries of nn-core's menus,
as they are written on the command line, parameters included; the tests walk
the menus and ask for every entry by its name. So a new entry needs one line
in a table below.

PyTorch keeps the weights of a layer as [n_outputs, n_inputs], nn-core as
[n_inputs, n_outputs]: weights are transposed on their way out.

    usage: python reference.py [FOLDER]
"""

import json
import math
import random
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

FOLDER = Path(__file__).parent.parent / "crates/nn-core/tests/golden"

ACTIVATIONS = {
    "identity": lambda z: z * 1.0,
    "relu": F.relu,
    "leaky-relu": F.leaky_relu,
    "leaky-relu:slope=0.2": lambda z: F.leaky_relu(z, 0.2),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda z: torch.softmax(z, dim=-1),
    "swish": F.silu,
    "elu": F.elu,
    "elu:alpha=0.5": lambda z: F.elu(z, 0.5),
    "selu": F.selu,
    "gelu": F.gelu,
    # As for softplus: F.mish takes z for ln(1 + e^z) from 20 on, which tanh hides.
    "mish": F.mish,
    # From 20 on, PyTorch would return z, which is off by 2e-9; from 40 on it is exact.
    "softplus": lambda z: F.softplus(z, threshold=40),
    # The slope of F.hardsigmoid is 1/6 in single precision, whatever z is.
    "hard-sigmoid": lambda z: F.hardtanh(z / 6 + 0.5, 0, 1),
    "hard-tanh": F.hardtanh,
}


def per_row(elementwise, reduce):
    """A loss from PyTorch's element-wise one."""
    return lambda z, a, y: reduce(elementwise(a, y, reduction="none"), -1)


def hinge(z, a, y):
    """Crammer & Singer's form, which PyTorch does not have; of one output, max(0, 1 - tz)."""
    if z.shape[-1] == 1:
        return F.relu(1 - (2 * y - 1) * z).sum(-1)
    right = y.argmax(-1, keepdim=True)
    best_wrong = z.scatter(-1, right, -torch.inf).amax(-1)
    return F.relu(1 + best_wrong - z.gather(-1, right).squeeze(-1))


# name: the outputs it can be taken of (None: any), and (z, a, y) -> loss of every row
LOSSES = {
    "cross-entropy": ("softmax", lambda z, a, y: F.cross_entropy(z, y, reduction="none")),
    "binary-cross-entropy": (
        "sigmoid",
        lambda z, a, y: F.binary_cross_entropy_with_logits(z, y, reduction="none").sum(-1),
    ),
    "mse": (None, per_row(F.mse_loss, torch.mean)),
    "sum-of-squares": (None, per_row(F.mse_loss, torch.sum)),
    "quadratic": (None, lambda z, a, y: F.mse_loss(a, y, reduction="none").sum(-1) / 2),
    "mae": (None, per_row(F.l1_loss, torch.mean)),
    "huber": (None, per_row(F.huber_loss, torch.mean)),
    "huber:delta=0.25": (
        None,
        lambda z, a, y: F.huber_loss(a, y, reduction="none", delta=0.25).mean(-1),
    ),
    "hinge": ("identity", hinge),
    "kl": (
        "softmax",
        lambda z, a, y: F.kl_div(F.log_softmax(z, -1), y, reduction="none").sum(-1),
    ),
}

# name: (learning rate, constructor)
OPTIMIZERS = {
    "sgd": (0.1, lambda w, lr: torch.optim.SGD(w, lr)),
    "momentum": (0.1, lambda w, lr: torch.optim.SGD(w, lr, momentum=0.9)),
    "momentum:momentum=0.5": (0.1, lambda w, lr: torch.optim.SGD(w, lr, momentum=0.5)),
    "nesterov": (0.1, lambda w, lr: torch.optim.SGD(w, lr, momentum=0.9, nesterov=True)),
    "adagrad": (0.1, lambda w, lr: torch.optim.Adagrad(w, lr, eps=1e-10)),
    "adadelta": (1.0, lambda w, lr: torch.optim.Adadelta(w, lr, rho=0.9, eps=1e-6)),
    "rmsprop": (0.01, lambda w, lr: torch.optim.RMSprop(w, lr, alpha=0.9, eps=1e-8)),
    "adam": (0.01, lambda w, lr: torch.optim.Adam(w, lr, (0.9, 0.999), 1e-8)),
    "adam:beta1=0.5:beta2=0.9:epsilon=0.001": (
        0.01,
        lambda w, lr: torch.optim.Adam(w, lr, (0.5, 0.9), 1e-3),
    ),
    "adamw": (0.01, lambda w, lr: torch.optim.AdamW(w, lr, (0.9, 0.999), 1e-8, weight_decay=0.01)),
    "rprop": (0.01, lambda w, lr: torch.optim.Rprop(w, lr, (0.5, 1.2), (1e-6, 50))),
}

STEPS_PER_EPOCH = 3
EPOCHS = 24
N_STEPS = STEPS_PER_EPOCH * EPOCHS

scheduler = torch.optim.lr_scheduler


def warmup(optimizer, epochs):
    """nn-core rises over R steps as 1/R, 2/R, ..., 1, so no step has the rate 0."""
    rise = epochs * STEPS_PER_EPOCH
    return scheduler.LinearLR(optimizer, start_factor=1 / rise, total_iters=rise - 1)


def cosine(optimizer, floor=0.0, warmup_epochs=0):
    """nn-core follows the cosine step by step, not epoch by epoch as most use PyTorch's."""
    rise = warmup_epochs * STEPS_PER_EPOCH
    falling = scheduler.CosineAnnealingLR(optimizer, T_max=N_STEPS - rise, eta_min=floor)
    if rise == 0:
        return falling
    rising = warmup(optimizer, warmup_epochs)
    return scheduler.SequentialLR(optimizer, [rising, falling], milestones=[rise])


def one_cycle(optimizer, rise=0.3, start=25, end=1e4):
    """Step by step in both; PyTorch would also move the momentum, nn-core does not."""
    return scheduler.OneCycleLR(
        optimizer,
        max_lr=1.0,
        total_steps=N_STEPS,
        pct_start=rise,
        div_factor=start,
        final_div_factor=end,
        cycle_momentum=False,
    )


def coslog4(optimizer):
    """PyTorch has none; the formula of Holzmueller et al. 2024, step by step."""
    return scheduler.LambdaLR(
        optimizer, lambda s: (1 - math.cos(2 * math.pi * math.log2(1 + 15 * s / N_STEPS))) / 2
    )


def flat_cos(optimizer, flat=0.5):
    constant = round(flat * N_STEPS)
    falling = scheduler.CosineAnnealingLR(optimizer, T_max=N_STEPS - constant)
    level = scheduler.ConstantLR(optimizer, factor=1)
    return scheduler.SequentialLR(optimizer, [level, falling], milestones=[constant])


def plateau(optimizer, factor=0.5, patience=3):
    """eps=0: nn-core does not refuse small changes."""
    return scheduler.ReduceLROnPlateau(optimizer, factor=factor, patience=patience, eps=0)


# name: (what a call of `step` stands for, constructor with a learning rate of 1)
SCHEDULES = {
    "constant": ("epoch", lambda o: scheduler.ConstantLR(o, factor=1)),
    "step": ("epoch", lambda o: scheduler.StepLR(o, 10, 0.1)),
    "step:every=3:factor=0.5": ("epoch", lambda o: scheduler.StepLR(o, 3, 0.5)),
    "exponential": ("epoch", lambda o: scheduler.ExponentialLR(o, 0.95)),
    "exponential:factor=0.7": ("epoch", lambda o: scheduler.ExponentialLR(o, 0.7)),
    "cosine": ("step", cosine),
    "cosine:floor=0.1": ("step", lambda o: cosine(o, floor=0.1)),
    "cosine:warmup=2:floor=0.1": ("step", lambda o: cosine(o, floor=0.1, warmup_epochs=2)),
    "warmup": ("step", lambda o: warmup(o, 1)),
    "warmup:epochs=5": ("step", lambda o: warmup(o, 5)),
    "one-cycle": ("step", one_cycle),
    "one-cycle:rise=0.25:start=10:end=100": ("step", lambda o: one_cycle(o, 0.25, 10, 100)),
    "coslog4": ("step", coslog4),
    "flat-cos": ("step", flat_cos),
    "flat-cos:flat=0.75": ("step", lambda o: flat_cos(o, 0.75)),
    "plateau": ("loss", plateau),
    "plateau:factor=0.1:patience=1": ("loss", lambda o: plateau(o, 0.1, 1)),
}


def activations():
    points = [-1000, -40, -10, -6.5, -3, -2.2, -1, -0.7, -0.01, 0]
    points += [0.01, 0.3, 0.5, 1, 1.9, 3, 4.25, 12, 40, 1000]
    z = torch.tensor(points, dtype=torch.float64).reshape(5, 4)
    # every row of a softmax mixes small and large sums
    z = torch.cat([z, torch.tensor([[-1000, 0.5, 3, 2.5], [1.5, -0.5, 1000, 999]])])
    delta = numbers(z.shape, seed=1)
    entries = {}
    for name, function in ACTIVATIONS.items():
        at = z.clone().requires_grad_()
        a = function(at)
        (slope,) = torch.autograd.grad(a, at, delta)
        entries[name] = {"value": listed(a), "delta_times_slope": listed(slope)}
    return {"z": listed(z), "delta": listed(delta), "entries": entries}


def losses():
    one_hot = torch.eye(4)[[2, 0, 3]]
    shares = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.0, 0.5, 0.25, 0.25], [0.7, 0.1, 0.1, 0.1]])
    extreme = torch.tensor([[1000.0, -1000.0, 0.0, 3.0], [-1000.0, 5.0, 1000.0, 2.0]])
    several = {
        "z": torch.cat([numbers((6, 4), seed=2), extreme]),
        "y": torch.cat([one_hot, shares, torch.eye(4)[[1, 2]]]),
    }
    single = {
        "z": torch.tensor([[0.3], [-0.4], [2.5], [-1.75], [1000.0], [-1000.0]]),
        "y": torch.tensor([[1.0], [1.0], [0.0], [0.0], [0.0], [0.0]]),
    }
    entries = []
    for name, (required, function) in LOSSES.items():
        for output in [required] if required else ACTIVATIONS:
            for case in [several] if output == "softmax" else [several, single]:
                entries.append({"loss": name, "output": output} | loss_case(output, function, case))
    return {"entries": entries, "batches": loss_batches()}


def loss_case(output, function, case):
    z = case["z"].clone().requires_grad_()
    value = function(z, ACTIVATIONS[output](z), case["y"])
    (gradient,) = torch.autograd.grad(value.sum(), z)
    return {
        "z": listed(case["z"]),
        "y": listed(case["y"]),
        "value": listed(value),
        "gradient": listed(gradient),
    }


def loss_batches():
    """A whole batch through one dense layer: what is done with weights and smoothing.

    PyTorch's mean of a weighted cross-entropy divides by the sum of the weights, as nn-core does.
    """
    inputs, labels = numbers((7, 3), seed=3), torch.tensor([0, 3, 1, 1, 2, 0, 3])
    class_weights = torch.tensor([0.5, 2.0, 1.0, 3.0])
    sample_weights = torch.tensor([1.0, 2.0, 0.0, 0.5, 1.5, 3.0, 1.0])

    def weighted_mean(of_rows, z):
        return (sample_weights * of_rows(z)).sum() / sample_weights.sum()

    one_hot = F.one_hot(labels, 4).double()
    forms = {
        "plain": lambda z: F.cross_entropy(z, labels),
        "sum": lambda z: F.cross_entropy(z, labels, reduction="sum"),
        "label-smoothing": lambda z: F.cross_entropy(z, labels, label_smoothing=0.15),
        "class-weights": lambda z: F.cross_entropy(z, labels, weight=class_weights),
        "sample-weights": lambda z: weighted_mean(
            lambda z: F.cross_entropy(z, labels, reduction="none"), z
        ),
    }
    weights, bias = numbers((3, 4), seed=4), numbers((4,), seed=5)
    results = {}
    for name, form in forms.items():
        w, b = weights.clone().requires_grad_(), bias.clone().requires_grad_()
        value = form(inputs @ w + b)
        gradient = torch.autograd.grad(value, [w, b])
        results[name] = {"loss": value.item(), "gradient": flat(gradient)}
    return {
        "inputs": listed(inputs),
        "labels": listed(labels),
        "parameters": flat([weights, bias]),
        "label_smoothing": 0.15,
        "class_weights": listed(class_weights),
        "sample_weights": listed(sample_weights),
        "results": results,
    }


def optimizers():
    start, gradients = numbers((6,), seed=6), numbers((5, 6), seed=7)
    gradients[:, 0] = torch.tensor([1.0, -1.0, 1.0, 1.0, 1.0])
    gradients[:, 1] = torch.tensor([0.0, 0.0, 2.0, 0.0, -1e-3])
    entries = {}
    for name, (learning_rate, make) in OPTIMIZERS.items():
        parameters = torch.nn.Parameter(start.clone())
        optimizer = make([parameters], learning_rate)
        after = []
        for gradient in gradients:
            parameters.grad = gradient.clone()
            optimizer.step()
            after.append(listed(parameters))
        entries[name] = {"learning_rate": learning_rate, "parameters": after}
    return {"start": listed(start), "gradients": listed(gradients), "entries": entries}


def schedules():
    losses = [1.0, 0.9, 0.9, 0.89995, 0.8, 0.85, 0.85, 0.9, 0.81, 0.79, 0.8, 0.8]
    losses += [0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.5, 0.6, 0.4, 0.41, 0.3999999, 0.39]
    entries = {}
    for name, (unit, make) in SCHEDULES.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule = make(optimizer)
        factors = []
        for step in range(N_STEPS):
            factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            ends_epoch = (step + 1) % STEPS_PER_EPOCH == 0
            if unit == "step" and step + 1 < N_STEPS or unit == "epoch" and ends_epoch:
                schedule.step()
            elif unit == "loss" and ends_epoch:
                schedule.step(losses[step // STEPS_PER_EPOCH])
        entries[name] = factors
    return {
        "steps_per_epoch": STEPS_PER_EPOCH,
        "epochs": EPOCHS,
        "losses": losses,
        "entries": entries,
    }


def network():
    """20 steps of 4-5-3: dense, batch normalisation, tanh, dense, softmax and cross-entropy."""
    inputs = numbers((38, 4), seed=8)
    labels = (inputs @ numbers((4, 3), seed=9)).argmax(-1)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5), torch.nn.Tanh(), torch.nn.Linear(5, 3)
    )
    with torch.no_grad():
        for seed, parameter in enumerate(model.parameters(), start=10):
            parameter.copy_(numbers(parameter.shape, seed))
    start, batch_size, learning_rate = parameters_of(model), 8, 0.01
    optimizer = torch.optim.Adam(model.parameters(), learning_rate)
    losses = []
    for _ in range(4):
        for rows in torch.arange(len(inputs)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    norm = model[1]
    statistics = [norm.running_mean, norm.running_var]
    answers = torch.softmax(model.eval()(inputs), -1)
    return {
        "inputs": listed(inputs),
        "labels": listed(labels),
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "start": start,
        "losses": losses,
        "end": parameters_of(model),
        "state_dict": {name: listed(tensor) for name, tensor in model.state_dict().items()},
        "statistics": flat(statistics),
        "answers": listed(answers),
    }


class Layer(torch.nn.Module):
    """A dense layer with the stages that a layer of nn-core can have besides."""

    def __init__(self, n_inputs, n_outputs, activation, stages, first_seed):
        super().__init__()
        self.activation, self.stages = activation, stages

        def parameter(shape, around=0.0):
            seed = first_seed + len(list(self.parameters()))
            return torch.nn.Parameter(around + numbers(shape, seed))

        # In the order of nn-core's parameters.
        if "input-scaling" in stages:
            self.scale = parameter((n_inputs,), 1)
        if "input-layer-norm" in stages:
            self.input_gamma, self.input_beta = parameter((n_inputs,), 1), parameter((n_inputs,))
        self.weight, self.bias = parameter((n_inputs, n_outputs)), parameter((n_outputs,))
        if "layer-norm" in stages:
            self.gamma, self.beta = parameter((n_outputs,), 1), parameter((n_outputs,))
        if "parametric" in stages:
            self.alpha = parameter((n_outputs,), 1)

    def forward(self, x):
        inputs = x
        if "input-scaling" in self.stages:
            x = x * self.scale
        if "input-layer-norm" in self.stages:
            x = F.layer_norm(x, x.shape[1:], self.input_gamma, self.input_beta)
        x = x @ self.weight + self.bias
        if "layer-norm" in self.stages:
            x = F.layer_norm(x, x.shape[1:], self.gamma, self.beta)
        if "parametric" in self.stages:
            x = (1 - self.alpha) * x + self.alpha * self.activation(x)
        else:
            x = self.activation(x)
        return inputs + x if "residual" in self.stages else x


# Stages of the three hidden layers of a network.
STAGES = {
    "dense": [[], [], []],
    "layer-norm": [["layer-norm"], ["layer-norm"], []],
    "parametric": [["parametric"], ["parametric"], ["parametric"]],
    "residual": [[], ["residual"], ["residual"]],
    "input-scaling": [["input-scaling"], [], ["input-scaling"]],
    "input-layer-norm": [["input-layer-norm"], ["input-layer-norm"], []],
    "pre-norm-residual": [[], ["input-layer-norm", "residual"], ["input-scaling", "residual"]],
    "all": [
        ["input-scaling", "input-layer-norm", "layer-norm", "parametric"],
        ["input-scaling", "layer-norm", "parametric", "residual"],
        ["input-layer-norm", "layer-norm", "parametric", "residual"],
    ],
}


def embeddings():
    """A categorical and three numeric columns, embedded, and 8-3 softmax.

    nn-core embeds the category first, [n_numeric + 2], and gives waves to all five columns.
    """
    inputs = torch.cat([numbers((6, 3), seed=700), torch.tensor([[0.0, 1, 2, 1, 0, 2]]).T], -1)
    inputs.requires_grad_()
    labels = torch.tensor([0, 2, 1, 1, 2, 0])
    vectors, waves = numbers((3, 2), seed=701), numbers((5, 10), seed=702)
    weights, bias = numbers((15, 3), seed=703), numbers((3,), seed=704)
    parameters = [p.requires_grad_() for p in (vectors, waves, weights, bias)]
    x = torch.cat([inputs[:, :3], vectors[inputs[:, 3].detach().long()]], -1)
    w, b, v = waves[:, :2], waves[:, 2:4], waves[:, 4:8].reshape(5, 2, 2)
    h = torch.cos(2 * torch.pi * w * x[..., None] + b)
    combined = torch.einsum("rcf,cfo->rco", h, v) + waves[:, 8:]
    columns = torch.cat([x[..., None], combined], -1).reshape(len(x), -1)
    z = columns @ weights + bias
    loss = F.cross_entropy(z, labels)
    input_gradient, *gradient = torch.autograd.grad(loss, [inputs, *parameters])
    return {
        "labels": listed(labels),
        "inputs": listed(inputs),
        "parameters": flat(parameters),
        "outputs": listed(torch.softmax(z, -1)),
        "loss": loss.item(),
        "gradient": flat(gradient),
        "input_gradient": listed(input_gradient),
    }


def piecewise_linear():
    """Three numeric columns in four quantile bins, and 6-3 softmax."""
    inputs = numbers((6, 3), seed=710).requires_grad_()
    labels = torch.tensor([0, 2, 1, 1, 2, 0])
    columns = numbers((3, 10), seed=711)
    weights, bias = numbers((6, 3), seed=712), numbers((3,), seed=713)
    parameters = [p.requires_grad_() for p in (columns, weights, bias)]
    edges = torch.quantile(inputs.detach(), torch.linspace(0, 1, 5), dim=0).T
    e = (inputs[..., None] - edges[:, :-1]) / (edges[:, 1:] - edges[:, :-1])
    e = torch.cat(
        [e[..., :1].clamp(max=1), e[..., 1:-1].clamp(0, 1), e[..., -1:].clamp(min=0)], -1
    )
    v, shift = columns[:, :8].reshape(3, 4, 2), columns[:, 8:]
    embedded = (torch.einsum("rct,cto->rco", e, v) + shift).reshape(6, -1)
    z = embedded @ weights + bias
    loss = F.cross_entropy(z, labels)
    # A quantile is a kink: the derivative with respect to the inputs is left out.
    gradient = torch.autograd.grad(loss, parameters)
    return {
        "labels": listed(labels),
        "inputs": listed(inputs),
        "edges": listed(edges),
        "parameters": flat(parameters),
        "outputs": listed(torch.softmax(z, -1)),
        "loss": loss.item(),
        "gradient": flat(gradient),
    }


def tabular():
    """RealMLP's stages: three numeric columns with waves, a category, scaling, 11-4-3.

    Parametric SELU, softmax, and cross-entropy with label smoothing.
    """
    inputs = torch.cat([numbers((6, 3), seed=720), torch.tensor([[0.0, 1, 2, 1, 0, 2]]).T], -1)
    labels = torch.tensor([0, 2, 1, 1, 2, 0])
    waves, vectors, scale = numbers((3, 10), 721), numbers((3, 2), 722), numbers((11,), 723)
    w1, b1, alpha = numbers((11, 4), 724), numbers((4,), 725), numbers((4,), 726)
    w2, b2 = numbers((4, 3), 727), numbers((3,), 728)
    parameters = [waves, vectors, scale, w1, b1, alpha, w2, b2]
    parameters = [p.requires_grad_() for p in parameters]
    x = inputs[:, :3]
    w, b, v = waves[:, :2], waves[:, 2:4], waves[:, 4:8].reshape(3, 2, 2)
    h = torch.cos(2 * torch.pi * w * x[..., None] + b)
    combined = torch.einsum("rcf,cfo->rco", h, v) + waves[:, 8:]
    columns = torch.cat([x[..., None], combined], -1).reshape(len(x), -1)
    columns = torch.cat([columns, vectors[inputs[:, 3].long()]], -1) * scale
    sums = columns @ w1
    z1 = sums + b1
    z2 = ((1 - alpha) * z1 + alpha * F.selu(z1)) @ w2 + b2
    loss = F.cross_entropy(z2, labels, label_smoothing=0.1)
    gradient = torch.autograd.grad(loss, parameters)
    return {
        "labels": listed(labels),
        "inputs": listed(inputs),
        "parameters": flat(parameters),
        "outputs": listed(torch.softmax(z2, -1)),
        "loss": loss.item(),
        "gradient": flat(gradient),
        "standardized_weights": listed(w1 / sums.std(0, correction=0)),
    }


def members():
    """TabM-mini with three members: 4-5-3, then a head of 3-2 per member.

    Factors on the inputs, tanh, and softmax; the loss is the mean of the members' losses, and
    the output the mean of their probabilities (Gorishniy et al. 2024).
    """
    inputs, labels = numbers((6, 4), 740), torch.tensor([0, 1, 1, 0, 1, 0])
    factors = numbers((3, 4), 741)
    w1, b1, w2, b2 = numbers((4, 5), 742), numbers((5,), 743), numbers((5, 3), 744), numbers((3,), 745)
    heads, bias = numbers((3, 3, 2), 746), numbers((3, 2), 747)
    parameters = [p.requires_grad_() for p in (factors, w1, b1, w2, b2, heads, bias)]
    x = inputs[:, None, :] * factors
    h = torch.tanh(torch.tanh(x @ w1 + b1) @ w2 + b2)
    z = torch.einsum("rki,kio->rko", h, heads) + bias
    losses = [F.cross_entropy(z[:, k], labels) for k in range(3)]
    loss = torch.stack(losses).mean()
    gradient = torch.autograd.grad(loss, parameters)
    return {
        "labels": listed(labels),
        "inputs": listed(inputs),
        "parameters": flat(parameters),
        "outputs": listed(torch.softmax(z, -1).mean(1)),
        "loss": loss.item(),
        "gradient": flat(gradient),
    }


def stages():
    """Outputs, loss and all gradients of 4-5-5-5-3: tanh, swish, tanh, and softmax."""
    labels = torch.tensor([0, 2, 1, 1, 2, 0])
    entries = {}
    for entry, (name, hidden) in enumerate(STAGES.items()):
        activations = [torch.tanh, F.silu, torch.tanh, lambda z: z]
        widths = [4, 5, 5, 5, 3]
        model = torch.nn.Sequential(
            *(
                Layer(widths[i], widths[i + 1], activations[i], stages, 1000 * entry + 20 * i)
                for i, stages in enumerate([*hidden, []])
            )
        )
        inputs = numbers((6, 4), seed=900 + entry).requires_grad_()
        z = model(inputs)
        loss = F.cross_entropy(z, labels)
        input_gradient, *gradient = torch.autograd.grad(loss, [inputs, *model.parameters()])
        entries[name] = {
            "layers": hidden,
            "inputs": listed(inputs),
            "parameters": flat(list(model.parameters())),
            "outputs": listed(torch.softmax(z, -1)),
            "loss": loss.item(),
            "gradient": flat(gradient),
            "input_gradient": listed(input_gradient),
        }
    return {"labels": listed(labels), "entries": entries}


def parameters_of(model):
    """In nn-core's order: weights (transposed), bias, gamma, beta, layer by layer."""
    return flat([p.T if p.dim() == 2 else p for p in model.parameters()])


def numbers(shape, seed):
    """Normal numbers of two decimals, the same with every version of PyTorch."""
    draw = random.Random(seed)
    values = [round(draw.gauss(0, 1), 2) for _ in range(torch.Size(shape).numel())]
    return torch.tensor(values).reshape(shape)


def listed(tensor):
    return tensor.detach().tolist()


def flat(tensors):
    return [value for tensor in tensors for value in listed(tensor.reshape(-1))]


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for make in [
        activations,
        losses,
        optimizers,
        schedules,
        network,
        members,
        stages,
        embeddings,
        piecewise_linear,
        tabular,
    ]:
        content = {"made_by": f"scripts/reference.py, PyTorch {torch.__version__}"} | make()
        path = folder / f"{make.__name__}.json"
        path.write_text(json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n")
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

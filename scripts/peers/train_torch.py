# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "safetensors", "torch"]
# ///
"""PyTorch, as its tutorials write it: eager, on the CPU."""

import torch

import workload


def main():
    args = workload.arguments()
    parts = workload.load(args.data, args.rows, args.layers[0])
    x, y, x_test, y_test = (torch.from_numpy(part) for part in parts)
    activation = {
        "relu": torch.nn.ReLU,
        "sigmoid": torch.nn.Sigmoid,
        "tanh": torch.nn.Tanh,
    }[args.activation]
    loss = {
        "cross-entropy": torch.nn.functional.cross_entropy,
        "mse": torch.nn.functional.mse_loss,
    }[args.loss]
    torch.manual_seed(args.seed)
    modules = []
    for weights, bias in workload.initial_weights(args):
        linear = torch.nn.Linear(*weights.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights.T))
            linear.bias.copy_(torch.from_numpy(bias))
        modules += [linear, activation()]
    network = torch.nn.Sequential(*modules[:-1])
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[args.optimizer]
    optimizer = make(network.parameters(), lr=args.lr)
    whole = args.batch == args.rows

    def epoch():
        order = None if whole else torch.randperm(args.rows)
        for first in range(0, args.rows, args.batch):
            if whole:
                inputs, targets = x, y
            else:
                rows = order[first : first + args.batch]
                inputs, targets = x[rows], y[rows]
            optimizer.zero_grad()
            loss(network(inputs), targets).backward()
            optimizer.step()

    seconds = workload.time_epochs(args, epoch)
    with torch.no_grad():
        outputs = network(x_test)
    workload.report("PyTorch", torch.__version__, seconds, outputs.numpy(), y_test.numpy())


main()

# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "safetensors", "torch"]
# ///
"""PyTorch, as its tutorials write it: eager, on the CPU."""

import torch

import mnist


def main():
    args = mnist.arguments()
    x, y, x_test, y_test = (torch.from_numpy(part) for part in mnist.load(args.data, args.rows))
    activation = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid}[args.activation]
    torch.manual_seed(args.seed)
    modules = []
    for weights, bias in mnist.initial_weights(args):
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
                inputs, labels = x, y
            else:
                rows = order[first : first + args.batch]
                inputs, labels = x[rows], y[rows]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(inputs), labels).backward()
            optimizer.step()

    seconds = mnist.time_epochs(args, epoch)
    with torch.no_grad():
        right = (network(x_test).argmax(dim=1) == y_test).double().mean()
    mnist.report("PyTorch", torch.__version__, seconds, float(right))


main()

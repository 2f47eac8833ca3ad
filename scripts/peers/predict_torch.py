# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "safetensors", "torch"]
# ///
"""Predictions of PyTorch with the weights of a model file: eager, in inference mode."""

import torch

import inference


def main():
    args = inference.arguments()
    modules = []
    for weights, bias in inference.layers(args.model):
        linear = torch.nn.Linear(*weights.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weights.T))
            linear.bias.copy_(torch.from_numpy(bias))
        modules += [linear, torch.nn.ReLU()]
    output = [torch.nn.Softmax(dim=1)] if args.has_classes else []
    network = torch.nn.Sequential(*modules[:-1], *output).eval()

    def prepare(n_threads):
        torch.set_num_threads(n_threads)
        return network, torch.from_numpy

    with torch.inference_mode():
        inference.measure("PyTorch", torch.__version__, args, prepare)


main()

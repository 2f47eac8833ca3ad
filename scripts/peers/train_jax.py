# /// script
# requires-python = ">=3.11"
# dependencies = ["jax", "numpy", "safetensors"]
# ///
"""JAX: a whole epoch compiled into one scan."""

import jax
import jax.numpy as jnp

import workload


def main():
    args = workload.arguments()
    parts = workload.load(args.data, args.rows, args.layers[0])
    x, y, x_test, y_test = (jnp.asarray(part) for part in parts)
    activation = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}[args.activation]
    n_batches, n_left = divmod(args.rows, args.batch)

    def forward(parameters, inputs):
        for weights, bias in parameters[:-1]:
            inputs = activation(inputs @ weights + bias)
        weights, bias = parameters[-1]
        return inputs @ weights + bias

    def cross_entropy(outputs, labels):
        log_softmax = jax.nn.log_softmax(outputs)
        return -jnp.mean(jnp.take_along_axis(log_softmax, labels[:, None], axis=1))

    def mse(outputs, targets):
        return jnp.mean(jnp.square(outputs - targets))

    of_outputs = {"cross-entropy": cross_entropy, "mse": mse}[args.loss]

    def loss(parameters, inputs, targets):
        return of_outputs(forward(parameters, inputs), targets)

    def sgd(state, gradient):
        parameters = state["parameters"]
        step = lambda w, g: w - args.lr * g
        return {**state, "parameters": jax.tree.map(step, parameters, gradient)}

    def adam(state, gradient):
        t = state["t"] + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state["m"], gradient)
        s = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, state["s"], gradient)
        rate = args.lr / (1 - 0.9**t)
        root = jnp.sqrt(1 - 0.999**t)
        step = lambda w, m, s: w - rate * m / (jnp.sqrt(s) / root + 1e-8)
        parameters = jax.tree.map(step, state["parameters"], m, s)
        return {"parameters": parameters, "m": m, "s": s, "t": t}

    update = {"sgd": sgd, "adam": adam}[args.optimizer]

    @jax.jit
    def epoch(state, key):
        if args.batch == args.rows:
            gradient = jax.grad(loss)(state["parameters"], x, y)
            return update(state, gradient)
        order = jax.random.permutation(key, args.rows)

        def step(state, rows):
            gradient = jax.grad(loss)(state["parameters"], x[rows], y[rows])
            return update(state, gradient), None

        whole = order[: n_batches * args.batch].reshape(n_batches, args.batch)
        state, _ = jax.lax.scan(step, state, whole)
        if n_left > 0:
            state, _ = step(state, order[-n_left:])
        return state

    parameters = [
        tuple(jnp.asarray(part) for part in layer)
        for layer in workload.initial_weights(args)
    ]
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = {"parameters": parameters}
    if args.optimizer == "adam":
        state |= {"m": zeros, "s": zeros, "t": jnp.zeros((), jnp.float32)}
    key = jax.random.key(args.seed)
    compiled = epoch.lower(state, key).compile()

    def next_epoch():
        nonlocal state, key
        key, epoch_key = jax.random.split(key)
        state = jax.block_until_ready(compiled(state, epoch_key))

    seconds = workload.time_epochs(args, next_epoch)
    outputs = forward(state["parameters"], x_test)
    workload.report("JAX", jax.__version__, seconds, outputs, y_test)


main()

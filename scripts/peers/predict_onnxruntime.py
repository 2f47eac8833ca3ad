# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "onnx", "onnxruntime", "safetensors"]
# ///
"""Predictions of ONNX Runtime with the weights of a model file."""

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import inference


def model(layers, has_classes):
    """Gemm and Relu for each layer; after the last Gemm, Softmax if there are classes."""
    nodes, initializers, name = [], [], "rows"
    for index, (weights, bias) in enumerate(layers):
        initializers.append(numpy_helper.from_array(weights, f"weights{index}"))
        initializers.append(numpy_helper.from_array(bias, f"bias{index}"))
        sums, after = f"sums{index}", f"activations{index}"
        nodes.append(helper.make_node("Gemm", [name, f"weights{index}", f"bias{index}"], [sums]))
        is_last = index + 1 == len(layers)
        function = "Relu" if not is_last else "Softmax" if has_classes else "Identity"
        nodes.append(helper.make_node(function, [sums], [after]))
        name = after
    n_inputs, n_outputs = layers[0][0].shape[0], layers[-1][0].shape[1]
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n_rows", n_inputs])
    outputs = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n_rows", n_outputs])
    graph = helper.make_graph(nodes, "mlp", [rows], [outputs], initializers)
    opset = [helper.make_opsetid("", 17)]
    made = helper.make_model(graph, opset_imports=opset, ir_version=9)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def main():
    args = inference.arguments()
    serialized = model(inference.layers(args.model), args.has_classes)

    def prepare(n_threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        session = onnxruntime.InferenceSession(
            serialized, options, providers=["CPUExecutionProvider"]
        )
        return lambda rows: session.run(None, {"rows": rows})[0], lambda rows: rows

    inference.measure("ONNX Runtime", onnxruntime.__version__, args, prepare)


main()

# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "onnx", "onnxruntime", "safetensors"]
# ///
"""ONNX Runtime answering with the weights of a model file."""

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import inference


def model(layers):
    """Gemm and Relu for each layer, Softmax in the end."""
    nodes, initializers, name = [], [], "images"
    for index, (weights, bias) in enumerate(layers):
        initializers.append(numpy_helper.from_array(weights, f"weights{index}"))
        initializers.append(numpy_helper.from_array(bias, f"bias{index}"))
        sums, after = f"sums{index}", f"activations{index}"
        nodes.append(helper.make_node("Gemm", [name, f"weights{index}", f"bias{index}"], [sums]))
        last = index + 1 == len(layers)
        nodes.append(helper.make_node("Softmax" if last else "Relu", [sums], [after]))
        name = after
    n_inputs, n_outputs = layers[0][0].shape[0], layers[-1][0].shape[1]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["rows", n_inputs])
    answers = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", n_outputs])
    graph = helper.make_graph(nodes, "mlp", [images], [answers], initializers)
    opset = [helper.make_opsetid("", 17)]
    made = helper.make_model(graph, opset_imports=opset, ir_version=9)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def main():
    args = inference.arguments()
    serialized = model(inference.layers(args.model))

    def prepare(n_threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        session = onnxruntime.InferenceSession(
            serialized, options, providers=["CPUExecutionProvider"]
        )
        return lambda images: session.run(None, {"images": images})[0], lambda images: images

    inference.measure("ONNX Runtime", onnxruntime.__version__, args, prepare)


main()

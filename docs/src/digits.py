# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy>=2", "onnxruntime>=1.20"]
# ///
"""Serves a model of digits on http://localhost:8000: POST 784 bytes, gray values from 0 to 255."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("digits.onnx")
class_names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])


class Digits(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if len(body) != 784:
            return self.send_error(400, f"expected 784 bytes, found {len(body)}")
        pixels = np.frombuffer(body, np.uint8).astype(np.float32).reshape(1, 784)
        label, probabilities = session.run(["label", "probabilities"], {"input": pixels})
        answer = {
            "class": class_names[label[0]],
            "probabilities": dict(zip(class_names, probabilities[0].tolist())),
        }
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


HTTPServer(("localhost", 8000), Digits).serve_forever()

"""ONNX export of trained cells, in every precision that a target measures."""

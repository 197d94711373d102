"""ONNX export and measurements on a target host."""

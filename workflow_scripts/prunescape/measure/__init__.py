"""Measurements of ONNX models: the agent, and one module per kind of target."""

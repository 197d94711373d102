"""How many examples check and calibrate an exported model, of any task."""

CALIBRATION_EXAMPLES = PARITY_EXAMPLES = 256

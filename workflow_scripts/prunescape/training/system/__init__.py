"""System parameters found while training (pipetune2020, 5).

Nothing here decides a result, so no code digest covers this folder (running/code_digest.py).
"""

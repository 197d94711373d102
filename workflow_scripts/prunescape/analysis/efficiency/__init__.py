"""What a training costs against what it reaches, per epoch and per run, and whether fresh seeds confirm the best."""

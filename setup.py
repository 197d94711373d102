"""What pyproject.toml cannot say: a wheel holds the workflow's files, which stand at the top of the checkout."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# by their place in the checkout; in the package they are below prunescape/workflow/ (running/workflow_files.py)
WORKFLOW = (
    "Snakefile",
    "config/*.json",
    "config/*.yaml",
    "config/studies/*.yaml",
    "envs/*.yaml",
    "profiles/*/config.yaml",
    "rules/*.smk",
    "rules/captions/*.rst",
    "rules/captions/*.rst",
    "workflow_scripts/*.py",
)


class BuildWithWorkflow(build_py):
    """Builds the package, with the workflow in it unless the checkout itself is installed."""

    def run(self):
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)  # what an earlier build left would get into the wheel
        super().run()
        for built, source in self._workflow().items():
            self.mkpath(str(Path(built).parent))
            self.copy_file(source, built)

    def _workflow(self) -> dict[str, str]:
        """Each file of the workflow by its place in what is built."""
        if self.editable_mode:
            return {}
        folder = Path(self.build_lib, "prunescape", "workflow")
        sources = [str(path) for pattern in WORKFLOW for path in sorted(Path().glob(pattern))]
        return {str(folder / source): source for source in sources}

    def get_source_files(self):
        return [*super().get_source_files(), *self._workflow().values()]

    def get_outputs(self, include_bytecode=True):
        return [*super().get_outputs(include_bytecode), *self._workflow()]

    def get_output_mapping(self):
        return {**super().get_output_mapping(), **self._workflow()}


setup(cmdclass={"build_py": BuildWithWorkflow})

"""Every stage that a cell may have in the tables of a study.

Those in records.py, and one more: trainings depend on the content of that module, and on no stage.
"""

from prunescape.store.records import CONFIRMATION, STAGES, TRIAL

RANKING = "ranking"  # the base of a network in a space, trained only because its weights rank filters
ALL_STAGES = (*STAGES, RANKING)
OF_SPACES = (TRIAL, CONFIRMATION, RANKING)  # of an experiment that has a space instead of a grid, and no landscape

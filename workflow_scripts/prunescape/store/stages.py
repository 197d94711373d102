"""Every stage that a cell may have in the tables of a study.

Those in records.py, and two more: trainings depend on the content of that module, and on no stage.
"""

from prunescape.store.records import CONFIRMATION, STAGES, TRIAL

RANKING = "ranking"  # a base that is trained only because its weights rank filters or are inherited
TUNING = "tuning"  # a trial of a search on one rung, with its budget
ALL_STAGES = (*STAGES, RANKING, TUNING)
OF_SPACES = (
    TRIAL,
    CONFIRMATION,
    RANKING,
    TUNING,
)  # of an experiment that has a space instead of a grid, and no landscape

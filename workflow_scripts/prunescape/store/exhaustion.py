"""Tells whether an exception means that a disk or the memory is full, and what a user can change."""

import errno
import os

from prunescape.errors import InputError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# how libraries say the same without an error number
FULL_WORDS = (*(os.strerror(code) for code in FULL), "disk is full")
MEMORY_WORDS = (
    "can't allocate memory",
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "Failed to allocate memory",
    "ALLOC_FAILED",
    "is killed by signal: Killed",
    "failed to map segment",
    "could not create a primitive",  # oneDNN, whose words do not say of what there was too little
    os.strerror(errno.ENOMEM),
)
MEMORY_HINT = "a smaller batch_size, fewer workers, fewer cells at once (--cores), more memory for the job (memory_mb)"
SAID = 200  # characters of a library's own words
GPU_HINT = "a smaller batch_size, a GPU with more memory, or one that nothing else uses"


def out_of_space(error: BaseException) -> str:
    """How the system says that a disk, a quota or a file's size limit is used up; empty for any other error."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in FULL:
            return os.strerror(cause.errno)
        found = next((words for words in FULL_WORDS if words in str(cause)), "")
        if found:
            return found
    return ""


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the processor or of a GPU."""
    return any(
        isinstance(cause, MemoryError)
        or type(cause).__name__ == "OutOfMemoryError"
        or any(words in str(cause) for words in MEMORY_WORDS)
        for cause in _causes(error)
    )


def exhausted(error: BaseException) -> InputError | None:
    """What the machine lacks, and what to change; None when the error has another reason."""
    space = out_of_space(error)
    if space:
        return InputError(space, where=getattr(error, "filename", None) or "", hint="free some space and run again")
    if out_of_memory(error):
        gpu = "CUDA" in str(error) or "CUBLAS" in str(error)
        said = " ".join(str(error).split())[:SAID] or type(error).__name__
        return InputError(f"out of {'GPU ' if gpu else ''}memory ({said})", hint=GPU_HINT if gpu else MEMORY_HINT)
    return None


def _causes(error: BaseException | None):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

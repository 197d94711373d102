"""A folder of this user alone on this host, for sockets and locks that processes of different folders share."""

import os
import stat
import tempfile
from pathlib import Path


def private_folder(base: str | None = None) -> Path:
    """The folder in `base`, by default the temporary one, made when there is none.

    Raises PermissionError when others own it or can look into it.
    """
    folder = Path(base or tempfile.gettempdir()) / f"prunescape-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not this user's alone")
    return folder

"""Fetches original files, checked before they take their name."""

import socket
from pathlib import Path

from prunescape.errors import InputError
from prunescape.store.files import whole_file

TIMEOUT_SECONDS = 60  # without a limit a silent network would hold the job for ever


def download(addresses: dict[str, tuple[str, str]], folder: Path) -> None:
    """Fetch `addresses` (file name -> address and md5) into `folder`; a file with another md5 is never kept.

    Raises InputError when that fails, as without a network.
    """
    from prunescape.tasks.images.torchvision_operators import (
        declare_missing_operators,  # torch, for who downloads something
    )

    declare_missing_operators()
    from torchvision.datasets.utils import download_url

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        for name, (address, md5) in addresses.items():
            with whole_file(folder / name) as temporary:
                download_url(address, str(folder), temporary.name, md5)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{name} is missing and cannot be downloaded ({error})",
            where=folder,
            hint="put the original files into this folder, or name theirs as the data set's folder",
        ) from None
    finally:
        socket.setdefaulttimeout(before)

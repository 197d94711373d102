"""Original files from the network, each checked by its published md5."""

import socket
from pathlib import Path

from prunescape.errors import InputError
from prunescape.store.files import whole_file
from prunescape.tasks.images.torchvision_import import import_torchvision

TIMEOUT_SECONDS = 60  # without a limit a silent network would hold the job for ever


def download(addresses: dict[str, tuple[str, str]], folder: Path) -> None:
    """Fetch `addresses` (file name -> address, md5) into `folder`; raises InputError when that, or an md5, fails."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        for name, (address, md5) in addresses.items():
            with whole_file(folder / name) as temporary:
                import_torchvision().datasets.utils.download_url(address, str(folder), temporary.name, md5)
    except (OSError, RuntimeError) as error:
        hint = "put the original files into this folder, or name theirs as the data set's folder"
        raise InputError(f"{name} is missing and cannot be downloaded ({error})", where=folder, hint=hint) from None
    finally:
        socket.setdefaulttimeout(before)

"""Priors from their providers: one table of names, addresses and terms, and a download that goes on where it stopped.

In: the name of a file. Out: its path in the user's cache folder, with its digest and what to cite.
Nothing is downloaded unless it is asked for; knows nothing of what is in the files.
"""

from keras_vnn.readers.downloads._fetch import (
    Fetched,
    RemoteFile,
    cache_folder,
    fetch,
    file_names,
    remote_file,
    remote_files,
)

__all__ = ["Fetched", "RemoteFile", "cache_folder", "fetch", "file_names", "remote_file", "remote_files"]

"""The repository at a commit: files, selections, history, status, patches.

Everything goes through the ``git`` command line, with few processes: one to find the repository,
one that stays open for objects. Nothing is written to the user's repository, except by
``Repository.unshallow``.

Front door (import from the modules; this package imports nothing by itself):

* ``repository``: ``Repository.open(path, env=…)``, ``is_lfs_pointer``
* ``commits``: ``Commit``
* ``trees``: ``CommitTree`` (look-up, links, ``files``, ``glob``), ``Entry``, ``tree_checksum``
* ``path_match``: ``path_matcher``, ``PathMatcher``, ``Include``, ``Exclude``, ``Every``, ``Below``
* ``doublestar``: ``match``
* ``status``: ``read_status``, ``Status``
* ``dev``: ``open_dev``, the work tree as a commit
* ``archive``: ``archive``, selected files with their content as checkout writes it
* ``attributes``: the conversions of ``.gitattributes``
* ``diff``: ``changed_paths``, ``patch_text``, ``patch_size``
* ``remote``: ``open_remote``, remote repositories of git mappings
"""

"""Dockerfile images: parsing, expansion, digests and build contexts.

Front door (import from the modules; this package imports nothing by itself):

* ``parse``: ``parse_dockerfile``, ``Dockerfile``, ``Stage``, ``Instruction``
* ``dockerignore``: ``parse_dockerignore``, ``Dockerignore``
* ``added``: ``list_added``, ``AddedFile``: ``contextAddFiles``
* ``request``: ``BuildContext``, ``ImageRequest``, ``RemoteSources``
* ``inputs``: ``digest_inputs``, ``DigestInputs``
* ``context``: ``open_context``, the tar stream
* ``remote``: ``RemoteContent``, what ``ADD`` of a URL or git repository holds
* ``image``: ``DockerfileKind``, plans and builds the images

Inside: ``lines`` and ``words`` (text to instructions), ``expand`` and ``scope`` (variables),
``links`` (symbolic links of sources).
"""

"""The values of the OCI image world: no socket, no file, no clock.

A manifest, an index and a config keep the bytes that were received; their digest is of those bytes
and everything else is a view on them.

Front door:

* ``oci.digest``      ``Digest``
* ``oci.media_type``  ``MediaType`` and its known constants
* ``oci.platform``    ``Platform``
* ``oci.reference``   ``Repository``, ``Reference``, ``parse_repository``
* ``oci.descriptor``  ``Descriptor``
* ``oci.manifest``    ``Manifest``, ``Index``, ``parse_manifest``
* ``oci.config``      ``ImageConfig``, ``parse_config``
* ``oci.graph``       ``Graph``: a root with everything below it but the layers
* ``oci.edit``        pure edits of one value
* ``oci.mutate``      ``Mutation``, ``mutate``: a whole graph edited
* ``oci.document``    JSON documents, ``MalformedError``
"""

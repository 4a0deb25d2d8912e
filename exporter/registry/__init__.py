"""Everything that is asked of image registries, on urllib3.

Front door:

* ``registry.client``     ``RegistryClient``: tags, manifests, blobs of one or many registries
* ``registry.copy``       ``Copier``: images made present elsewhere, each blob once
* ``registry.keychain``   ``Keychain``, ``Login``, ``Credential``
* ``registry.settings``   ``Settings``: time-outs, TLS, limits; ``Exchange`` for the journal
* ``registry.causes``     why a registry refused, and what to do about it

``urllib3`` is imported when the first request is made, not before.
"""

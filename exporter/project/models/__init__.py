"""The schema of werf.yaml: one module for each section, with its keys, its dataclass, its rules.

Front door:

- ``config``: ``Config``, ``Image``, ``read_config``, ``relations``
- ``dockerfile``: ``DockerfileImage``; ``stapel``: ``StapelImage``; ``meta``: ``Meta``
- ``warnings``: ``warnings_of`` a config
- ``shape``: ``Shape`` and ``Key``, from which the JSON schema is made
"""

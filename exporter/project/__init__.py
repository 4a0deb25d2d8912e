"""A project: its werf.yaml rendered, read and checked, and what giterminism lets it use.

Front door (import from the modules; this package imports nothing by itself):

- ``loader``: ``load_project(ProjectOptions(…))`` gives a ``Project``; ``warnings_of`` it
- ``models``: ``config.Config``, ``dockerfile.DockerfileImage``, ``stapel.StapelImage`` …
- ``giterminism``: ``Giterminism``, what builders may read, and the ``check_`` methods
- ``selection``: ``select_images`` by positional arguments
- ``commands``: what ``config render``, ``list``, ``graph`` and ``schema`` print
- ``rendering``: ``render`` a config from any ``template_source.Source``
- ``yaml_nodes``, ``yaml_decode``, ``yaml_emit``, ``documents``: YAML as yaml.v2 reads and writes it
"""

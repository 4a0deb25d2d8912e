"""Stapel images: planned stage by stage, built by BuildKit, published at the registry.

Front door: :class:`exporter.build.stapel.image.StapelKind`. Inside:

* ``chain``: which stages an image has, their digests, and which of them exist
* ``mappings``: git mappings at their commits, ``imports``: files of other images
* ``instructions``: the ``docker:`` section, ``config``: the image config after a stage
* ``recipe``: the Dockerfile and the files that make the missing layers, ``scripts``: its commands
* ``builder``, ``job``: one image by one solve; ``together``, ``ahead``: images that import from it
* ``publication``: from the layers that BuildKit pushed to stages of the repository
"""

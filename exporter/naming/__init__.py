"""Names: slugs, hashes, tag templates, labels, patterns, and tags that mean something to werf.

Values in, values out: no I/O. Front door:

- ``slug``: ``slugify``, ``docker_tag``, ``limited_slug``, ``project_slug`` and their checks.
- ``murmur``: ``murmur``, werf's short hash.
- ``tag_template``: ``TagTemplates`` gives the references of every image.
- ``labels``: ``parse_labels``.
- ``service_tags``: tags of werf's records, ``is_stage_tag``, ``is_service_tag``.
- ``patterns``: ``matches``, patterns of image names.
"""

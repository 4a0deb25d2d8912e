"""The ``image`` key: one name, several names, or none at all."""

from exporter.project.models.shape import Values


def check_names(values: Values) -> None:
    """Refuse what is no name; for the ``check_first`` of a shape."""
    image_names(values)


def image_names(values: Values) -> tuple[str, ...]:
    """The names that a document gives to its image: empty without the key, ``""`` for null.

    Raises:
        ConfigError: A name is no string.
    """
    if "image" not in values.keys():  # noqa: SIM118 - not a mapping
        return ()
    name = values.anything("image")
    if name is None:
        return ("",)
    if isinstance(name, str | list):
        return values.text_or_texts("image")
    from exporter.gotemplate.sprint import sprint_value  # noqa: PLC0415 - for rare values only

    raise values.error(
        f"invalid image name `{sprint_value(name)}`!",
        key="image",
        remedy="Quote it when it is meant as text",
    )

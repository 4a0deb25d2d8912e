"""``config render``, ``list``, ``graph`` and ``schema``: a project is read, and nothing else."""

import sys
from collections.abc import Mapping
from pathlib import Path

from exporter.ci import Console
from exporter.options import Options
from exporter.project import commands
from exporter.project.loader import ProjectOptions, load_project, warnings_of


def show(options: Options, env: Mapping[str, str], console: Console) -> int:
    """Print what the command is about."""
    sys.stdout.write(_text(options, env, console))
    return 0


def _text(options: Options, env: Mapping[str, str], console: Console) -> str:
    if options.command == "config schema":
        return commands.config_schema()
    project_options = ProjectOptions.of(options, cwd=Path.cwd(), env=env)
    with load_project(project_options) as project:
        match options.command:
            case "config render":
                return commands.config_render(project, options.image)
            case "config list":
                return commands.config_list(project.config, final_only=options.final_images_only)
        for warning in warnings_of(project, project_options):
            console.warning(warning)
        return commands.config_graph(
            project.config, options.image, final_only=options.final_images_only
        )

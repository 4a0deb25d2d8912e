"""Time the rendering of a large config: 1,200 images out of nested includes, ranges and tpl.

Usage: ``python benchmarks/templates.py [--profile] [--write DIRECTORY]``.
``--write`` puts the project (werf.yaml and .werf/*.tmpl) into a directory, for other tools.
"""

import argparse
import cProfile
import pstats
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from exporter.gotemplate import sprig
from exporter.gotemplate.function import registrar
from exporter.gotemplate.template_set import TemplateSet
from exporter.gotemplate.values import StringMap, Value, to_bytes

IMAGES = 1_200
WERF_YAML = """\
{{- $_ := set . "Project" "shop" }}
{{- $_ := set . "Registry" "registry.example.com/base" }}
configVersion: 1
project: {{ .Project }}
{{- $teams := list "cart" "search" "billing" "mail" }}
{{- $kinds := list "api" "worker" "cron" }}
{{- $root := . }}
{{- range $team := $teams }}
{{- range $kind := $kinds }}
{{- range $number := until PER_GROUP }}
{{- $name := printf "%s-%s-%d" $team $kind $number }}
{{- include "image" (dict "name" $name "team" $team "kind" $kind "number" $number "root" $root) }}
{{- end }}
{{- end }}
{{- end }}
"""
TEMPLATES = {
    "image.tmpl": """\
{{- define "image" }}
---
image: {{ .name }}
{{- $from := printf "%s/%s" .root.Registry (include "base" .) }}
from: {{ $from | quote }}
{{- template "git" . }}
shell:
  install:
{{- range $index, $command := include "commands" . | fromJson }}
  - {{ tpl $command $ | quote }}
{{- end }}
{{- if and (eq .kind "api") (gt .number 2) }}
  setup:
  - make {{ .name | upper | replace "-" "_" | lower }}
{{- else if eq .kind "worker" }}
  setup:
  - make worker
{{- end }}
{{- with .team }}
imageSpec:
  config:
    labels:
      team: {{ . | default "none" }}
      image: {{ $.name | trunc 40 | trimSuffix "-" }}
      order: {{ add $.number 1 | toString | quote }}
      level: {{ ternary "front" "back" (eq $.kind "api") }}
{{- end }}
{{- end }}
""",
    "parts.tmpl": """\
{{- define "base" -}}
{{ if eq .kind "cron" }}alpine:3.20{{ else }}debian:{{ .root.Env | default "trixie" }}-slim{{ end }}
{{- end }}
{{- define "git" }}
git:
- add: /{{ .team }}/{{ .kind }}
  to: /app
  owner: app
  group: app
  excludePaths:
{{- range list "tests" "docs" "*.md" }}
  - {{ . | quote }}
{{- end }}
  stageDependencies:
    install:
    - package.json
    - "**/*.lock"
{{- end }}
{{- define "commands" -}}
{{- $commands := list "apt-get update" "apt-get install -y {{ .kind }}-tools" }}
{{- $commands = append $commands "echo {{ .name }} > /etc/image" }}
{{- $commands | toJson }}
{{- end }}
""",
}


def sources(images: int) -> Mapping[str, str]:
    """The files of the project by path."""
    main = WERF_YAML.replace("PER_GROUP", str(images // 12))
    return {"werf.yaml": main} | {f".werf/{name}": text for name, text in TEMPLATES.items()}


def template_set(files: Mapping[str, str]) -> TemplateSet:
    """All templates, parsed, with ``include`` and ``tpl`` as the program has them."""
    runtime = sprig.Runtime(
        now_ns=lambda: 0, random_bytes=bytes, resolve_host=lambda _: (), zone=lambda _: None
    )
    functions = dict(sprig.functions(runtime))
    go = registrar(functions)

    @go("func(string, interface {}) (string, error)", "include")
    def _include(name: str, data: Value) -> str:
        return templates.execute(name, data)

    @go("func(string, interface {}) (string, error)", "tpl")
    def _tpl(text: str, data: Value) -> str:
        name = f"tpl-{zlib.adler32(to_bytes(text))}"
        templates.parse(name, text)
        return templates.execute(name, data)

    templates = TemplateSet(functions, root="werfConfig")
    for path, text in files.items():
        if path.startswith(".werf/"):
            templates.parse(path.removeprefix(".werf/"), text)
    templates.parse("werfConfig", files["werf.yaml"])
    return templates


def render(files: Mapping[str, str]) -> str:
    """Parse and execute."""
    date = StringMap(Human="2024-01-02 03:04:05 +0000 +0000", Unix="1704164645")
    data: dict[str, Value] = {"Env": "", "Commit": {"Hash": "0" * 40, "Date": date}}
    return template_set(files).execute("werfConfig", data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument("--write", type=Path, help="write the project into this directory")
    arguments = parser.parse_args()
    files = sources(IMAGES)
    if arguments.write:
        for path, text in files.items():
            target = arguments.write / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
    if arguments.profile:
        profile = cProfile.Profile()
        profile.runcall(render, files)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        text = render(files)
        seconds.append(time.perf_counter() - start)
    lines = text.count("\n")
    print(f"{IMAGES} images, {lines} lines: first {seconds[0]:.3f} s, best {min(seconds):.3f} s")


if __name__ == "__main__":
    main()

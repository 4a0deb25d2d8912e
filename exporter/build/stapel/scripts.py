"""The commands that make the files of a stage, in POSIX shell.

They run inside of the image with our own static tools, so that any base will do and names of users
are those of the image; without our tools (another platform) the image's own tools are used.
Lists of paths are files with NUL or line ends; nothing is expanded by a shell.
Times are fixed: what comes from git gets the commit's time, and so do directories that are changed
on the way; imported files keep theirs.
Source: spec/stapel-observed.md, section 3.
"""

from collections.abc import Sequence
from shlex import quote

TOOLS = "/dev/exporter/tools"
WORK = "/dev/exporter/work"
SCRIPT = "/.werf/shell/script.sh"
"""Where commands find themselves, as in werf: ``$0``."""

SUM_LINE = "exporter: checksum "
"""Begins the line that tells the number of a sum and what it is."""

FAILED_LINE = "exporter: the command in line "
"""Begins the line that tells which line of the script failed."""

LIBRARY = f"""\
set -eu
umask 022
W={WORK}
B={TOOLS}/busybox
[ -x "$B" ] || B=
T=/dev/exporter.touched
: >"$T"

fail() {{ printf '%s\\n' "$1" >&2; exit 1; }}

note() {{ [ -z "$1" ] || printf '%s\\n' "$1" >>"$T"; }}

# Makes a directory and those above it.
make_dir() {{
  if [ -z "$1" ] || [ -d "$1" ]; then return 0; fi
  make_dir "${{1%/*}}"
  $B mkdir "$1"
  note "$1"
  note "${{1%/*}}"
}}

# Makes the directory of a mapping, with its mode and owner.
top_dir() {{
  make_dir "$1"
  $B chmod 0755 "$1"
  [ -z "$2" ] || $B chown "$2" "$1"
}}

# Runs a command with the paths of a NUL-separated list.
with_paths() {{
  list=$1
  shift
  [ ! -s "$W/$list" ] || $B xargs -0 $B "$@" <"$W/$list"
}}

# Gives changed directories a fixed time.
fix_times() {{
  [ ! -s "$T" ] || $B sort -u "$T" | $B tr '\\n' '\\0' | $B xargs -0 $B touch -c -h -d "@$1"
}}

# Keeps what commands did to files that a patch changes: applies the patch to their version.
#   $1 list of number, md5 sum, execute bit and path of files before the patch, $2 the patches
merge() {{
  $B mkdir -p /dev/exporter.merged
  : >/dev/exporter.modes
  while IFS="	" read -r number sum bit path; do
    if [ ! -f "$path" ] || [ -L "$path" ]; then continue; fi
    if [ -x "$path" ]; then now=x; else now=-; fi
    if [ "$now" != "$bit" ] && [ "$bit" != any ]; then
      printf '%s\\t%s\\n' "$now" "$path" >>/dev/exporter.modes
    fi
    now=$($B md5sum <"$path")
    [ "${{now%% *}}" != "$sum" ] || continue
    copy=/dev/exporter.merged/$number
    $B cp "$path" "$copy"
    if ! $B patch "$copy" "$W/$2/$number" >/dev/null 2>&1; then
      $B rm -f "$copy"
      printf 'warning: commands have changed %s, which a commit changes too:' "$path" >&2
      printf ' it gets the content of the commit\n' >&2
    fi
  done <"$W/$1"
}}

put_merged() {{
  while IFS="	" read -r number sum bit path; do
    copy=/dev/exporter.merged/$number
    [ ! -f "$copy" ] || $B cat "$copy" >"$path"
  done <"$W/$1"
  while IFS="	" read -r now path; do
    if [ "$now" = x ]; then $B chmod 0755 "$path"; else $B chmod 0644 "$path"; fi
  done </dev/exporter.modes
  $B rm -rf /dev/exporter.merged
}}

# Follows links inside of a mounted image; the last part only when the third argument is "all".
resolve() {{
  rest=${{2#/}} found= hops=0
  while [ -n "$rest" ]; do
    part=${{rest%%/*}}
    case $rest in */*) rest=${{rest#*/}} ;; *) rest= ;; esac
    case $part in
      '' | .) continue ;;
      ..) found=${{found%/*}}; continue ;;
    esac
    if [ -L "$1$found/$part" ] && {{ [ -n "$rest" ] || [ "$3" = all ]; }}; then
      hops=$((hops + 1))
      [ $hops -lt 64 ] || fail "$2 leads through too many symbolic links"
      link=$($B readlink "$1$found/$part")
      case $link in /*) found= ;; esac
      rest=$link${{rest:+/$rest}}
      rest=${{rest#/}}
    else
      found=$found/$part
    fi
  done
  printf %s "$1$found"
}}

# Lists what is selected below a directory, contents before directories, "." last.
#   $1 directory, $2 its path in the image without slashes at the ends, $3 rules, $4 find's tests
select_files() {{
  (
    cd "$1"
    {{
      $B find . $4 -type d -print | $B sed 's/^/d /'
      $B find . $4 ! -type d -print | $B sed 's/^/f /'
    }} | $B awk -v base="$2" -v rules="$W/$3" '
      BEGIN {{
        n = 0
        while ((getline line < rules) > 0) {{
          kind[n] = substr(line, 1, 1); rule[n++] = substr(line, 3)
          if (kind[n - 1] != "x") includes = 1
        }}
      }}
      {{
        type = substr($0, 1, 1); path = substr($0, 3)
        if (path == ".") {{ inside[""] = 1; chosen[++count] = $0; next }}
        name = substr(path, 3); parent = name
        if (!sub("/[^/]*$", "", parent)) parent = ""
        if (!(parent in inside)) next
        full = base == "" ? name : base "/" name
        keep = !includes
        for (i = 0; i < n; i++) {{
          if (kind[i] == "x") {{ if (full ~ rule[i]) next }}
          else if (!keep && (kind[i] == "+" || type == "d") && full ~ rule[i]) keep = 1
        }}
        if (!keep) next
        if (type == "d") inside[name] = 1
        chosen[++count] = $0
      }}
      END {{ for (i = count; i > 0; i--) print chosen[i] }}
    '
  )
}}

# Names of a mounted image that never leave it.
system='( -path ./proc -o -path ./sys -o -path ./dev -o -path ./run -o -path ./.werf ) -prune -o'

mounted='( -path ./proc -o -path ./sys -o -path ./dev -o -path ./.werf ) -prune -o'

# Copies files of another image.
#   $1 the image, $2 what to copy, $3 where to, $4 owner:group, $5 rules
import() {{
  at=$(resolve "$1" "$2" all)
  if [ -d "$at" ]; then
    list=/dev/exporter.list
    if [ "$at" = "$1" ]; then tests=$system; else tests=; fi
    select_files "$at" "${{2#/}}" "$5" "$tests" >"$list"
    [ "$($B wc -l <"$list")" -gt 1 ] || printf 'warning: %s: nothing is selected\n' "$2" >&2
    make_dir "${{3%/*}}"
    if [ ! -d "$3" ]; then
      $B mkdir "$3"
      note "${{3%/*}}"
    fi
    $B cut -c3- "$list" >"$list.names"
    # rsync puts directories in the place of files, and files in that of empty directories
    $B grep '^d' "$list" | $B cut -c3- | while read -r name; do
      [ -d "$3/$name" ] || $B rm -f "$3/$name" 2>/dev/null || :
    done
    $B grep '^f' "$list" | $B cut -c3- | $B tr '\\n' '\\0' |
      (cd "$3" && $B xargs -0 $B rmdir -- 2>/dev/null) || :
    (cd "$at" && $B cpio -o -H newc <"$list.names" 2>/dev/null) |
      (cd "$3" && $B cpio -idmu ${{4:+-R "$4"}} >"$list.said" 2>&1) || fail "$($B cat "$list.said")"
    # cpio makes links last, without owner and time
    $B grep '^f' "$list" | $B cut -c3- | while read -r name; do
      if [ -L "$3/$name" ]; then
        $B chown -h "$($B stat -c %u:%g "$at/$name")" "$3/$name"
        [ -z "$4" ] || $B chown -h "$4" "$3/$name"
        note "$3/$name"
        name=$3/$name
        note "${{name%/*}}"
      elif [ ! -f "$3/$name" ]; then
        note "$3/$name"
      fi
    done
  else
    at=$(resolve "$1" "$2" parents)
    [ -e "$at" ] || [ -L "$at" ] || fail "$2 does not exist in the image to import from"
    to=$3
    make_dir "${{to%/*}}"
    [ ! -d "$to" ] || to=${{to%/}}/${{2##*/}}
    note "${{to%/*}}"
    $B rm -f "$to"
    $B cp -a "$at" "$to"
    if [ -n "$4" ]; then
      $B chown -h "$4" "$to"
      [ -L "$to" ] || $B chmod "$($B stat -c %a "$at")" "$to"
    fi
  fi
}}

# The checksum of what an import selects: md5 of the sorted list of md5 sums and paths.
#   $1 the image, $2 what to copy, $3 rules
checksum() {{
  at=$(resolve "$1" "$2" parents)
  if [ -L "$at" ] || [ -f "$at" ]; then
    at=${{at%/*}}
    tests=
    printf 'f ./%s\\n' "${{2##*/}}" >/dev/exporter.list
    prefix=${{2%/*}}
    [ ! -s "$W/$3.includes" ] || : >/dev/exporter.list
  elif [ -d "$at" ]; then
    tests=
    [ "$at" != "$1" ] || tests=$mounted
    select_files "$at" "${{2#/}}" "$3" "$tests" >/dev/exporter.list
    prefix=${{2%/}}
  else
    : >/dev/exporter.list
    prefix=
  fi
  $B grep '^f' /dev/exporter.list | $B cut -c5- >/dev/exporter.names || :
  (
    cd "$at" 2>/dev/null || cd /
    : >/dev/exporter.files
    while read -r name; do
      if [ -L "$name" ]; then
        sum=$(printf 'symlink:%s' "$($B readlink "$name")" | $B md5sum)
        printf '%s  %s\\n' "${{sum%% *}}" "$name"
      elif [ -f "$name" ]; then
        printf '%s\\0' "$name" >>/dev/exporter.files
      fi
    done </dev/exporter.names
    [ ! -s /dev/exporter.files ] || $B xargs -0 $B md5sum -- </dev/exporter.files
  ) | $B awk -v prefix="$prefix" '
    {{ path = prefix "/" substr($0, 35); print path "\\t" substr($0, 1, 34) path }}
  ' | LC_ALL=C $B sort | $B cut -f2- | $B md5sum | $B cut -c1-32
}}
"""

BASH_ENV = f"""\
BASH_ENV=${{EXPORTER_BASH_ENV-}}
unset EXPORTER_BASH_ENV
if [ -z "$BASH_ENV" ]; then unset BASH_ENV; elif [ -r "$BASH_ENV" ]; then . "$BASH_ENV"; fi
trap 'echo "{FAILED_LINE}$LINENO failed" >&2' ERR
"""
"""What bash reads before the commands: the image's own such file, then what tells a failed line."""

WITH_BASH_ENV = f'EXPORTER_BASH_ENV="${{BASH_ENV-}}" BASH_ENV={TOOLS}/bash-env'
"""Goes before bash."""


def call(name: str, *arguments: str) -> str:
    """A line that calls a function of the library."""
    return " ".join((name, *map(quote, arguments)))


def ownership(owner: str, group: str) -> str:
    """Owner and group as ``chown`` takes them; what is not given stays."""
    if not group:
        return owner
    return f"{owner}:{group}"


def shell_script(commands: Sequence[str]) -> str:
    """The script of a stage's commands, as werf writes it."""
    return "\n".join(("#!/.werf/stapel/embedded/bin/bash -e", "", *commands)) + "\n"


FIRST_LINE = 3
"""The line of the script on which the commands begin."""

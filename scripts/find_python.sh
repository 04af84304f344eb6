#!/bin/sh
# Print the path of a Python >= 3.12, or say on stderr exactly what to install. Run from the repository's root.
# Each candidate is tried, not trusted: a pyenv shim may stand for a version that is not installed.

wanted=$(cat .python-version)
for python in \
    "$(command -v python3)" \
    "$(command -v "python${wanted%.*}")" \
    "$HOME/.pyenv/versions/$wanted/bin/python3" \
    "$(command -v python3.14)" "$(command -v python3.13)" "$(command -v python3.12)" \
    "$HOME"/.pyenv/versions/3.1[2-9]*/bin/python3 \
    /usr/local/bin/python3 /usr/bin/python3 /opt/homebrew/bin/python3 \
    "$(command -v uv >/dev/null 2>&1 && uv python find --no-project '>=3.12' 2>/dev/null)"
do
    [ -n "$python" ] && [ -x "$python" ] || continue
    # The real path, so that the virtual environment does not lean on a shim or on another environment.
    found=$("$python" -c 'import sys; sys.version_info >= (3, 12) and print(sys._base_executable)' 2>/dev/null)
    if [ -n "$found" ]; then
        echo "$found"
        exit 0
    fi
done

cat >&2 <<END
Leadgen needs Python 3.12 or newer (it is developed with $wanted) and found none. Install one, then run this again:
  Debian, Ubuntu:  sudo apt-get install python3 python3-venv python3-pip   (Debian 13, Ubuntu 24.04 or newer)
  macOS:           brew install python@3.13
  pyenv:           pyenv install $wanted
  uv:              uv python install 3.13
END
exit 1

#!/bin/sh
# Make the virtual environment $1 with the first Python that fits: $PYTHON if set, else python3.12, python3.11, python3.
# One that is already there is kept if it works, was made here and no other Python is asked for.
# A name on the PATH may be a shim that does not run, so each candidate is run.
set -eu
venv=$1

fits() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' >/dev/null 2>&1
}

here=$(pwd -P)/$venv
if [ -z "${PYTHON:-}" ] && fits "$venv/bin/python" &&
    [ "$("$venv/bin/pip" --version 2>/dev/null | sed 's/.* from \(.*\)\/lib\/.*/\1/')" = "$here" ]; then
    echo "keeping $venv ($("$venv/bin/python" --version))"
    exit 0
fi

if [ -n "${PYTHON:-}" ]; then
    candidates=$PYTHON
else
    candidates="python3.12 python3.11 python3 python"
fi
for candidate in $candidates; do
    if fits "$candidate"; then
        echo "making $venv with $("$candidate" --version)"
        exec "$candidate" -m venv --clear "$venv"
    fi
done
{
    echo "Titan needs Python 3.11 or 3.12 with venv, and none of these is one: $candidates."
    for candidate in $candidates; do
        said=$("$candidate" --version 2>/dev/null) || said="not there, or does not run"
        echo "  $candidate: $said"
    done
    echo "Install one (on Debian or Ubuntu: apt-get install python3.11 python3.11-venv) or name one: make PYTHON=/path/to/python3.12"
} >&2
exit 1

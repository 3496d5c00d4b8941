#!/bin/sh
# Prints the path of a Python that the locked packages exist for, or says on stderr what is missing (exit 4).
# PYTHON=... chooses one.
set -u

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' >/dev/null 2>&1
}

for candidate in ${PYTHON:-python3.11 python3.12 python3 python}; do
    path=$(command -v "$candidate" 2>/dev/null) || continue
    if fits "$path"; then
        if ! "$path" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            echo "adctr: $path cannot make virtual environments; install its venv package" \
                "(Debian and Ubuntu: apt install $(basename "$path")-venv)" >&2
            exit 4
        fi
        echo "$path"
        exit 0
    fi
done

found=$(${PYTHON:-python3} --version 2>&1) || found="no python3"
echo "adctr: needs Python 3.11 or 3.12 (Flink's packages exist for no other); found: $found." \
    "Install one, or name it: make PYTHON=/path/to/python3.12" >&2
exit 4

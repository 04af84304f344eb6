#!/bin/sh
# Everything that can be judged without running the product: `make check`. Runs all, then says what failed.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "ok    $name"
    else
        echo "FAIL  $name"
        echo "$output" | tail -n 60
        echo " $name" >>"$work/failed"
    fi
}

bin=.venv/bin
# Types take longer than all the others together and use one core: beside them.
check types $bin/mypy >"$work/types" 2>&1 &
check format $bin/ruff format --check .
check lint $bin/ruff check .
check templates $bin/djlint templates --lint --quiet
check imports $bin/lint-imports
check compose $bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
check system $bin/python manage.py check --fail-level WARNING
check migrations $bin/python manage.py makemigrations --check --dry-run
wait
cat "$work/types"

if [ -s "$work/failed" ]; then
    echo "make check: failed:$(tr -d '\n' <"$work/failed")" >&2
    exit 1
fi

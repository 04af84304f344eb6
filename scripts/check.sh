#!/bin/sh
# Everything that can be judged without running the product: `make check`. Runs all, then says what failed.

failed=
check() {
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "ok    $name"
    else
        echo "FAIL  $name"
        echo "$output" | tail -n 60
        failed="$failed $name"
    fi
}

bin=.venv/bin
check format $bin/ruff format --check .
check lint $bin/ruff check .
check templates $bin/djlint templates --lint --quiet
check imports $bin/lint-imports
check compose $bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
check system $bin/python manage.py check --fail-level WARNING
check migrations $bin/python manage.py makemigrations --check --dry-run
check types $bin/mypy

if [ -n "$failed" ]; then
    echo "make check: failed:$failed" >&2
    exit 1
fi

# Sourced by the scripts that run suites: they set output, a file for what a suite prints, and
# add up passed and failed.

suite_timeout_s=900
passed=0
failed=0
elapsed_s=

# Adds a suite's result: name, exit status, passed, failed. A suite that fails without a failed test
# has crashed, and one without any test is no suite: either counts as one.
count() {
    local name=$1 status=$2 suite_passed=$3 suite_failed=$4
    if ((suite_failed == 0 && (status != 0 || suite_passed == 0))); then
        suite_failed=1
    fi
    passed=$((passed + suite_passed))
    failed=$((failed + suite_failed))
    if ((suite_failed > 0)); then
        cat "$output"
        echo "FAILED  $name: $suite_passed passed, $suite_failed failed (exit status $status)"
    else
        echo "ok      $name: $suite_passed passed${elapsed_s:+ in $elapsed_s s}"
    fi >"$output.said"
    # Suites that run beside each other do not mix what they say.
    flock "${output%/*}" cat "$output.said"
    elapsed_s=
}

# Runs a command with a time limit and its output in the file $output; a lock on 9 stays here.
capture() {
    local status begun=$SECONDS
    timeout --foreground --kill-after=10 "$suite_timeout_s" "$@" >"$output" 2>&1 9>&-
    status=$?
    elapsed_s=$((SECONDS - begun))
    return "$status"
}

# A name, and a file of tests/sql.
run_sql() {
    local name=$1 file=$2 status
    HARNESS_VERBOSE=1 capture tests/run_sql "sql/${file##*/}"
    status=$?
    count "$name" "$status" "$(grep -c '^ok ' "$output")" "$(grep -c '^not ok ' "$output")"
}

# The number before a word in pytest's last line, as in "3 failed, 40 passed, 1 error in 2.10s".
pytest_number() { tail -n 1 "$output" | sed -n "s/.*\b\([0-9]\+\) $1.*/\1/p" | grep . || echo 0; }

# A name, and a file or directory of pytest's.
run_pytest() {
    local name=$1 status
    capture /usr/bin/python3 -m pytest -q -p no:cacheprovider "$2"
    status=$?
    count "$name" "$status" "$(pytest_number passed)" \
        "$(($(pytest_number failed) + $(pytest_number error)))"
}

# The number that Node's test runner has for a word, in TAP or its own form.
node_number() { sed -n "s/^[^ ]* $1 \([0-9]\+\)$/\1/p" "$output" | tail -n 1 | grep . || echo 0; }

# A name, and a command that runs tests by Node's test runner.
run_node() {
    local name=$1 status
    capture "${@:2}"
    status=$?
    count "$name" "$status" "$(node_number pass)" "$(node_number fail)"
}

# The files of pytest's that need only a database (-L), or an instance (-l).
pytest_files() { grep "$1" -E 'http_client|TOKPAY_TEST_(HTTP|ADMIN|RUN_DIR)' tests/test_*.py; }

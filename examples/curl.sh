#!/bin/sh
# The way of one task with nothing but curl and jq. Needs CLAWTRAIL_URL and CLAWTRAIL_TOKEN of a client.
set -eu

ask() {
    curl --silent --show-error --fail-with-body \
        --header "Authorization: Bearer $CLAWTRAIL_TOKEN" \
        --header 'Content-Type: application/json' "$@"
}

# Submit: once the id is here, the task is on the disk of the server.
id=$(ask "$CLAWTRAIL_URL/tasks" --data '{"command": "echo one; sleep 0.2; echo two"}' | jq -r .taskId)
echo "task $id"

# Wait for the result, up to 30 seconds in one request. It can be read again at any time.
ask "$CLAWTRAIL_URL/tasks/$id?wait=30000" | jq -r '"exit \(.exitCode)", .stdout'

# Or both in one round trip, with a key that makes it safe to send again.
key=example-$id
ask "$CLAWTRAIL_URL/tasks?wait=30000" --header "Idempotency-Key: $key" \
    --data '{"argv": ["uname", "-s"]}' | jq -r '"system \(.stdout)"'

# What the record says of the first one.
ask "$CLAWTRAIL_URL/tasks/$id/events" | jq -r '.events[] | "\(.seq) \(.type) \(.actor)"'

#!/bin/sh
# A nightly task from cron, once a day however often cron starts this: the key holds the day. Needs CLAWTRAIL_URL and
# CLAWTRAIL_TOKEN_FILE. Prints what the task printed, and ends as it ended, so that cron mails what went wrong.
set -eu
FOLDER=${1:?"say which folder of the worker's computer to back up"}
day=$(date +%Y-%m-%d)
exec clawtrail run --idempotency-key "backup $FOLDER $day" --tag backup --timeout 1h --ttl 6h \
    -- tar -C "$FOLDER" -czf "/tmp/backup-$day.tar.gz" .

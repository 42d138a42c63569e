#!/bin/sh
# Installs the queues that `python -m benchmarks --peers` compares with: celery, huey and rq
# into a virtual environment of their own (default .venv-bench), redis-server by apt.
set -eu
venv="${1:-.venv-bench}"
python="${PYTHON:-python3}"
if ! command -v redis-server >/dev/null; then
    sudo=""
    if [ "$(id -u)" -ne 0 ]; then sudo=sudo; fi
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y redis-server
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet 'celery[redis]>=5.4,<6' 'huey>=2.5' 'rq>=2.0'

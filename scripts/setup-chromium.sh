#!/bin/sh
# Installs Debian's Chromium, in which the HTML report is tested (test/evaluate/report.test.ts).
# Run as root or as a user with sudo. Does nothing when it is already there.
set -eu

if command -v chromium >/dev/null 2>&1; then
  chromium --version
  exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then as_root="sudo"; fi

export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
$as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
chromium --version

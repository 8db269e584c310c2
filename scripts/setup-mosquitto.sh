#!/bin/sh
# Installs mosquitto and its clients from Debian or Ubuntu, for the end-to-end tests of the stream.
# The tests start brokers of their own, so the system service is stopped and switched off.
# Works as root, or with sudo.
set -eu

if [ "$(id -u)" -eq 0 ]; then
  as_root=""
elif command -v sudo >/dev/null 2>&1; then
  as_root="sudo"
else
  echo "setup-mosquitto: run this as root, or install sudo" >&2
  exit 1
fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup-mosquitto: no apt-get here; install mosquitto 2.0 or later with this system's package manager" >&2
  exit 1
fi

install_packages() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mosquitto mosquitto-clients
}

# The package lists may be missing or old: refresh them only when needed.
install_packages || { $as_root apt-get update && install_packages; }

if command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
  $as_root systemctl disable --now mosquitto || true
fi

PATH="$PATH:/usr/sbin" mosquitto -h | head -n 1

#!/usr/bin/env bash
# require_tool.sh PROGRAM PACKAGE: if the program is missing, installs its Debian package. Starts no service.
set -euo pipefail
program=$1 package=$2
if command -v "$program" || compgen -G "/usr/lib/postgresql/*/bin/$program"; then exit 0; fi >/dev/null
echo "$program is missing: installing the Debian package $package with apt-get"
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
{ apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends "$package" >/dev/null; } \
  || { echo "$program could not be installed: install the Debian package $package yourself"; exit 1; }

#!/usr/bin/env bash
# need.sh PROGRAM PACKAGE: where a program is missing, installs Debian's package, whose services stay off.
set -euo pipefail
program=$1 package=$2
if command -v "$program" || compgen -G "/usr/lib/postgresql/*/bin/$program"; then exit 0; fi >/dev/null
echo "installing Debian's package $package, for $program"
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
{ apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends "$package" >/dev/null; } \
  || { echo "$program is needed, and could not be installed here: install Debian's package $package"; exit 1; }

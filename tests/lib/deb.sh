#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# shellcheck disable=SC2317 # the steps are called by name
#
# `make deb`: the Debian packages of this tree as it is, in build/deb.
#
# They are built in a copy, so that the checkout stays as it was. Their tests at build
# time are those of `make check`; DEB_BUILD_OPTIONS= in the environment runs them here too.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lib/steps.sh
export DEB_BUILD_OPTIONS=${DEB_BUILD_OPTIONS-nocheck parallel=2}

version=$(sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
out=$PWD/build/deb
copy=$out/uvf-$version

# The sources: what git does not ignore, or everything where there is no git.
copy_sources() {
	rm -rf "$out"
	mkdir -p "$copy"
	if [[ -e .git ]]; then
		git -c safe.directory="$PWD" ls-files -z -co --exclude-standard |
			tar -c --null --ignore-failed-read -T - | tar -x -C "$copy"
	else
		tar -c --exclude=./build . | tar -x -C "$copy"
	fi
}

build() { (cd "$copy" && exec dpkg-buildpackage --unsigned-source --unsigned-changes); }

# Of what lintian says, errors and warnings count.
judge() { lintian --allow-root --fail-on error,warning "$out"/*.changes; }

step "Installing what is needed" tests/lib/deps.sh build man deb
step "Copying the sources" copy_sources
step "Building the packages" build
step "Asking lintian" judge
steps_run || { echo "uvf: FAILED, there are no packages."; exit 1; }
rm -rf "$copy"
echo "uvf: packages in build/deb:"
(cd "$out" && ls -- *.deb) | sed 's/^/  /'

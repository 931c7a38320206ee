#!/bin/sh
# vigie @VERSION@ for Linux on @MACHINE@, of whatever C library: a shell script, then an archive.
# The first start unpacks the archive into a directory, later ones find it there.
#
#   @FILE@ [ARGUMENT...]     starts vigie
#   @FILE@ --unpack [DIR]    unpacks into DIR and says where; DESTDIR stands for "/"
#
# The directory: $VIGIE_HOME, else FILE.lib beside this file (one in a bin directory: /usr/lib/vigie),
# else /usr/lib/vigie, else /var/lib/vigie.

id=@ID@
machine=@MACHINE@
loader=@LOADER@
sum=@SUM@
size=@SIZE@
block=@BLOCK@
slot=@SLOT@

program=${0##*/}
root=
why=
hint=

say() {
	echo "$program: $*" >&2
}

# Runs a command whose words nobody wants. A bare chroot has no /dev/null.
quiet() {
	noise=$("$@" 2>&1)
}

# The archive, which follows the first block of this file.
payload() {
	dd if="$self" bs="$block" skip=1 2>&-
}

# A directory gets its name when everything is in it. It may have been moved since, with its old place
# in the program.
ready() {
	place=
	[ ! -f "$root$1/$id/place" ] || IFS= read -r place <"$root$1/$id/place"
	[ "$place" = "$1/$id" ]
}

refuse() {
	why="$why
  $1: $2"
	return 1
}

# What vigie reads its own place from: two paths, filled up with zeros.
paths() {
	LC_ALL=C
	for path do
		printf '%s' "$path"
		count=${#path}
		while [ "$count" -lt "$slot" ]; do
			printf '\000'
			count=$((count + 1))
		done
	done
}

# Unpacks into a directory with a name of this process alone. What can go wrong is the caller's to say.
fill() {
	payload | { gunzip -c || : >"$1/failed"; } | (cd "$1" && tar -xf -) || return 1
	[ ! -e "$1/failed" ] || return 1
	ln -s vigie "$1/keepalived" || return 1
	(paths "$2/$loader" "$2") >>"$1/vigie" || return 1
	printf '%s\n' "$2" >"$1/place" || return 1
	[ "$(wc -c <"$1/vigie")" -eq "$size" ] || { echo "incomplete" >&2 && return 1; }
	# A power failure must not leave a directory of that name with less in it.
	quiet sync || :
}

# Takes away what starts have left that were killed while unpacking.
tidy() {
	[ -d "/proc/$$" ] || return 0
	for left in "$1/.$id."*; do
		[ -d "$left" ] && [ ! -d "/proc/${left##*.}" ] && rm -rf "$left"
	done
	return 0
}

# Takes away other versions, but not those that run.
tidy_versions() {
	[ -z "$root" ] && [ -d "/proc/$$" ] || return 0
	running=$(ls -l /proc/[0-9]*/exe 2>&1)
	for other in "$(cd "$1" && pwd -P)"/*-????????????; do
		[ "${other##*/}" = "$id" ] || [ ! -f "$other/vigie" ] && continue
		case $running in *" $other/"*) ;; *) rm -rf "$other" ;; esac
	done
}

unpack() {
	hint="name a directory that can be written to and run from: $program --unpack DIR, then
VIGIE_HOME=DIR for every start"
	case $1 in
	*[:\$]*) refuse "$1" 'a name with ":" or "$" cannot be used' || return 1 ;;
	/*) ;;
	*) refuse "$1" "not an absolute path" || return 1 ;;
	esac
	[ "${#1}" -lt 900 ] || refuse "$1" "too long" || return 1
	home=$root$1
	made=$home/.$id.$$
	error=$(umask 022 && mkdir -p "$home" 2>&1) || refuse "$1" "$error" || return 1
	quiet tidy "$home"
	error=$(mkdir "$made" 2>&1) || refuse "$1" "$error" || return 1
	trap 'rm -rf "$made"; exit 1' HUP INT TERM
	if error=$(umask 022 && fill "$made" "$1/$id" 2>&1) && error=$(runs "$made" 2>&1); then
		ready "$1" || [ -z "$place" ] || rm -rf "$home/${id:?}"
		# Two at once: the second one finds the directory there, and throws its own away.
		quiet mv "$made" "$home/$id"
		rm -rf "$home/$id/${made##*/}"
		ready "$1" || error="cannot rename $made"
	fi
	trap - HUP INT TERM
	if ! ready "$1"; then
		rm -rf "$made"
		quiet rmdir "$home"
		refuse "$1" "$error" || return 1
	fi
	tidy_versions "$1"
}

# Whether programs can be started there: not on a file system that is mounted noexec. A directory that
# is prepared for another root may be for another machine, too.
runs() {
	[ -n "$root" ] || "$1/$loader" --version
}

# The first directory that has it, or else where it can be unpacked.
find_home() {
	for home do
		ready "$home" && return 0
	done
	checked || return 1
	for candidate do
		if unpack "$candidate"; then
			home=$candidate
			return 0
		fi
	done
	return 1
}

# Without sha256sum, damage is found by gzip's own checksum.
checked() {
	if [ -z "$root" ] && [ "$machine" != "$(uname -m)" ]; then
		refuse "$self" "for $machine, this machine is $(uname -m)" || return 1
	fi
	quiet command -v sha256sum || return 0
	set -- "$(payload | sha256sum)"
	[ "${1%% *}" = "$sum" ] || refuse "$self" "damaged: its SHA-256 is not what it was made with"
}

# Of this file, whatever links to it.
find_home_for() {
	if [ -n "${VIGIE_HOME:-}" ]; then
		find_home "$VIGIE_HOME"
		return
	fi
	[ ! -L "$1" ] || set -- "$(readlink -f "$1" || echo "$1")"
	case ${1%/*} in
	*/bin | */sbin) set -- ;;
	*) set -- "$1.lib" ;;
	esac
	# Where /var is in memory, as on OpenWrt, vigie would take a hundred megabytes of it.
	case $([ -d /var ] && cd /var && pwd -P) in
	"" | /tmp | /tmp/* | /run | /run/*) find_home "$@" /usr/lib/vigie ;;
	*) find_home "$@" /usr/lib/vigie /var/lib/vigie ;;
	esac
}

fail() {
	say "cannot unpack vigie:$why"
	[ -z "$hint" ] || say "$hint"
	exit 1
}

case $0 in
/*) self=$0 ;;
*) self=${PWD%/}/${0#./} ;;
esac
if [ ! -r "$self" ]; then
	say "cannot read $self"
	exit 1
fi

if [ "${1-}" = --unpack ]; then
	root=${DESTDIR:-}
	case ${2-} in
	"") find_home_for "$self" || fail ;;
	/*) find_home "$2" || fail ;;
	*) find_home "${PWD%/}/${2#./}" || fail ;;
	esac
	echo "$home/$id"
	exit 0
fi

find_home_for "$self" || fail
name=vigie
[ "$program" != keepalived ] || name=keepalived
# What an upgrade replaces, and where the next version is unpacked.
export VIGIE_EXE="$self" VIGIE_HOME="$home"
exec "$home/$id/$name" "$@"

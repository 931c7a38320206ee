#!/bin/sh
# Boots this system's own systemd in a container with a throw-away copy of its files, runs a script in
# it, and prints what that wrote. Run under "unshare --mount". Arguments: an empty folder, the script,
# then options of systemd-nspawn.
set -e
work=$1
script=$2
shift 2
mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/inner" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/inner" "$work/root"
root=$work/root
[ "$script" != probe ] || exit 0
# Nothing that this system starts by itself is of interest.
rm -f "$root"/etc/systemd/system/*.wants/*
mkdir -p "$root/etc/systemd/system/basic.target.wants"
cp "$script" "$root/run-in-container"
cat >"$root/etc/systemd/system/run-in-container.service" <<'UNIT'
[Unit]
After=basic.target dbus.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/bin/sh /run-in-container >/said 2>&1; systemctl exit 0'
UNIT
ln -s ../run-in-container.service "$root/etc/systemd/system/basic.target.wants/"
timeout 600 systemd-nspawn --quiet --directory="$root" --boot --private-network --register=no \
	--keep-unit --capability=all "$@" systemd.unit=basic.target >"$work/boot" 2>&1 || true
if [ -f "$root/said" ]; then cat "$root/said"; else cat "$work/boot"; fi

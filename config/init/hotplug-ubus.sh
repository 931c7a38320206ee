#!/bin/sh
# Run by hotplug-call for every notification: keeps what ubus and LuCI are told of instances and
# groups in NAME_TYPE/STATUS and NAME_TYPE/TIME.

status_dir=${KEEPALIVED_STATUS_DIR:-/var/run/keepalived}

keep_status() {
	local dir="$status_dir/${NAME}_${TYPE}"

	mkdir -p "$dir" || return 1
	# Whoever reads sees the old state or the new one, never half of it.
	echo "${ACTION:-NOTIFY_UNKNOWN}" >"$dir/STATUS.new" && mv "$dir/STATUS.new" "$dir/STATUS"
	date +%s >"$dir/TIME.new" && mv "$dir/TIME.new" "$dir/TIME"
	: >"$dir/TAG"
}

case "${TYPE:-}:${ACTION:-}" in
:startup)
	# All that is configured tells its state after the start; the rest is of the past.
	rm -rf "$status_dir"/*_INSTANCE "$status_dir"/*_GROUP "$status_dir"/*_REAL_SERVER
	;;
GROUP:NOTIFY)
	# It comes with one that names the state.
	;;
*)
	[ -z "${NAME:-}" ] || [ -z "${TYPE:-}" ] || keep_status
	;;
esac

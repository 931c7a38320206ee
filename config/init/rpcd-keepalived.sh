#!/bin/sh
# The ubus object "keepalived" (an rpcd exec plugin), which LuCI's page asks.
# "status" comes from the files that the hotplug script keeps, "dump" from the daemon.

status_dir=${KEEPALIVED_STATUS_DIR:-/var/run/keepalived}

# The text as a JSON string.
quoted() {
	printf '"%s"' "$(printf '%s' "$1" | tr -d '[:cntrl:]' | sed 's/[\\"]/\\&/g')"
}

# The objects of one type, separated by commas.
states() {
	local type="$1" separator="" dir name event status

	for dir in "$status_dir"/*_"$type"; do
		[ -f "$dir/STATUS" ] || continue
		name=${dir##*/}
		event=$(tr -cd '0-9' <"$dir/TIME" 2>/dev/null)
		status=$(cat "$dir/STATUS")
		printf '%s{"name":%s,"event":%s,"status":%s}' "$separator" \
			"$(quoted "${name%_*}")" "${event:-0}" "$(quoted "$status")"
		separator=","
	done
}

case "$1:$2" in
list:*) echo '{"dump":{},"status":{}}' ;;
call:status)
	printf '{"instance":[%s],"group":[%s]}\n' "$(states INSTANCE)" "$(states GROUP)"
	;;
call:dump)
	# Without a daemon there is no instance.
	dump=$("${VIGIE:-/usr/sbin/vigie}" dump 2>/dev/null) || dump=
	printf '{"status":%s}\n' "${dump:-[]}"
	;;
call:*) printf '{"error":%s}\n' "$(quoted "invalid call $2")" ;;
*)
	echo "Usage: $0 list | call METHOD" >&2
	exit 2
	;;
esac

#!/bin/sh
# Sends the objects of admin-api/ to the Admin API of an APISIX that reads etcd: each under the name of its file, so it can
# run again and again. The comments on the values stand in apisix.yaml; a change here belongs there too.
#
#   ADMIN_URL=http://127.0.0.1:9180 ADMIN_KEY=… ./admin-api.sh [--dry-run] [--delete] [--global]
#
#   --dry-run  say what would be sent, and send nothing
#   --delete   take the objects away again, routes first
#   --global   bind logger and runner to all routes by a global rule, instead of the plugin config and its route
set -eu
cd "$(dirname "$0")/admin-api"

dry_run= delete= global=
for argument; do
	case $argument in
	--dry-run) dry_run=yes ;;
	--delete) delete=yes ;;
	--global) global=yes ;;
	*) echo "admin-api.sh: $argument: not an option; see the head of the file" >&2; exit 2 ;;
	esac
done
if [ -z "$dry_run" ]; then
	: "${ADMIN_URL:?is not set: the Admin API, such as http://127.0.0.1:9180}"
	: "${ADMIN_KEY:?is not set: the key of the Admin API}"
fi

# What needs another object comes behind it.
objects='plugin_metadata/rocketmq-logger consumers/alice'
if [ -n "$global" ]; then
	objects="$objects global_rules/billed"
else
	objects="$objects plugin_configs/billed routes/chat"
fi
if [ -n "$delete" ]; then
	turned=
	for object in $objects; do turned="$object $turned"; done
	objects=$turned
fi

# send METHOD PATH [CURL ARGUMENTS]. The key is no argument of curl: those are for everybody to read.
send() {
	method=$1 path=$2
	shift 2
	if [ -n "$dry_run" ]; then
		echo "would $method $path"
		return
	fi
	answer=$(printf 'header = "X-API-KEY: %s"\n' "$ADMIN_KEY" |
		curl --config - --silent --show-error --request "$method" --write-out '\n%{http_code}' "$@" "${ADMIN_URL%/}/apisix/admin/$path") ||
		{ echo "$method $path: no answer from $ADMIN_URL" >&2; exit 1; }
	status=$(printf '%s' "$answer" | tail -n 1)
	case $method$status in
	PUT200 | PUT201 | DELETE200) echo "$method $path" ;;
	DELETE404) echo "$method $path: was not there" ;;
	*)
		echo "$method $path: $status $(printf '%s' "$answer" | sed '$d')" >&2
		exit 1
		;;
	esac
}

# absent OBJECT: fails where the other form is bound already, for then every entry would be logged twice.
absent() {
	[ -z "$dry_run" ] || return 0
	status=$(printf 'header = "X-API-KEY: %s"\n' "$ADMIN_KEY" |
		curl --config - --silent --output /dev/null --write-out '%{http_code}' "${ADMIN_URL%/}/apisix/admin/$1") || return 0
	[ "$status" != 200 ] || { echo "$1 is bound already: take it away first ($2)" >&2; exit 1; }
}
if [ -z "$delete" ]; then
	if [ -n "$global" ]; then absent plugin_configs/billed --delete; else absent global_rules/billed '--global --delete'; fi
fi

for object in $objects; do
	if [ -n "$delete" ]; then
		send DELETE "$object"
		continue
	fi
	path=$object
	case $object in consumers/*) path=consumers ;; esac # a consumer's name stands in it
	send PUT "$path" --header 'Content-Type: application/json' --data-binary "@$object.json"
done

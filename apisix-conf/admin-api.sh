#!/bin/sh
# Sends the objects of apisix.yaml to the Admin API: for an APISIX that reads etcd. The comments on the values stand
# there; a change here belongs there too. Each object is put under its name, so it can run again.
#
#   ADMIN_URL=http://127.0.0.1:9180 ADMIN_KEY=… ./admin-api.sh
set -eu
: "${ADMIN_URL:?is not set: the Admin API, such as http://127.0.0.1:9180}"
: "${ADMIN_KEY:?is not set: the key of the Admin API}"

# put reads an object from standard input. The key is no argument of curl: those are for everybody to read.
put() {
	object=$(cat)
	answer=$(printf 'header = "X-API-KEY: %s"\n' "$ADMIN_KEY" |
		curl --config - --fail-with-body --silent --show-error --request PUT \
			--header 'Content-Type: application/json' --data-binary "$object" "$ADMIN_URL/apisix/admin/$1") ||
		{ echo "$1: $answer" >&2; exit 1; }
	echo "put $1"
}

put plugin_metadata/rocketmq-logger <<'JSON'
{
  "log_format_extra": {
    "billing": {"request_id": "$request_id", "stamp": "$http_x_billing_stamp"}
  }
}
JSON

put plugin_configs/billed <<'JSON'
{
  "plugins": {
    "key-auth": {"hide_credentials": true},
    "ext-plugin-post-req": {
      "allow_degradation": true,
      "conf": [{"name": "billing-keys", "value": "{}"}]
    },
    "rocketmq-logger": {
      "nameserver_list": ["127.0.0.1:9876"],
      "topic": "apisix-billing",
      "max_retry_count": 60,
      "retry_delay": 1,
      "batch_max_size": 2,
      "inactive_timeout": 1,
      "buffer_duration": 5,
      "include_req_body": true,
      "include_resp_body": true,
      "max_req_body_bytes": 262144,
      "max_resp_body_bytes": 524288
    }
  }
}
JSON

put consumers <<'JSON'
{"username": "alice", "plugins": {"key-auth": {"key": "change-me"}}}
JSON

put routes/chat <<'JSON'
{
  "uri": "/v1/chat/completions",
  "plugin_config_id": "billed",
  "upstream": {"type": "roundrobin", "nodes": {"127.0.0.1:8000": 1}}
}
JSON

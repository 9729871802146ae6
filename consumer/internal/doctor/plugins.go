package doctor

// The plugins that matter here, by their names in APISIX.
const (
	loggerName   = "rocketmq-logger"
	preReqName   = "ext-plugin-pre-req"
	postReqName  = "ext-plugin-post-req"
	rewriteName  = "proxy-rewrite"
	aiProxyName  = "ai-proxy"
	aiMultiName  = "ai-proxy-multi"
	runnerPlugin = "billing-keys"
)

// authentication are the plugins that find the APISIX consumer. Those with true can hide the credentials.
var authentication = map[string]bool{
	"key-auth": true, "basic-auth": true, "jwt-auth": true, "hmac-auth": true, "multi-auth": false, "wolf-rbac": false, "ldap-auth": false,
}

// strangers are plugins that let in who they know, and name no APISIX consumer.
var strangers = []string{"openid-connect", "forward-auth", "authz-casbin", "authz-casdoor", "authz-keycloak", "jwe-decrypt", "cas-auth", "opa"}

// answering are plugins that may answer a request themselves before ext-plugin-post-req runs.
var answering = []string{
	"proxy-cache", "fault-injection", "mocking", "redirect", "limit-count", "limit-req", "limit-conn", "api-breaker", "request-validation",
	"ip-restriction", "referer-restriction", "ua-restriction", "consumer-restriction", "uri-blocker", "ai-prompt-guard", "ai-rate-limiting",
	"degraphql", "opa", "public-api", "workflow",
}

// known are APISIX's own plugins, as its documentation lists them up to version 3.18.
var known = names(`
	ai ai-aliyun-content-moderation ai-aws-content-moderation ai-prompt-decorator ai-prompt-guard ai-prompt-template ai-proxy
	ai-proxy-multi ai-rag ai-rate-limiting ai-request-rewrite api-breaker attach-consumer-label authz-casbin authz-casdoor authz-keycloak
	aws-lambda azure-functions basic-auth batch-requests body-transformer brotli cas-auth chaitin-waf clickhouse-logger client-control
	consumer-restriction cors csrf datadog degraphql dubbo-proxy echo elasticsearch-logger error-log-logger example-plugin ext-plugin-post-req
	ext-plugin-post-resp ext-plugin-pre-req fault-injection file-logger forward-auth gm google-cloud-logging grpc-transcode grpc-web gzip
	hmac-auth http-dubbo http-logger inspect ip-restriction jwe-decrypt jwt-auth kafka-logger kafka-proxy key-auth lago ldap-auth limit-conn
	limit-count limit-req log-rotate loggly loki-logger mcp-bridge mocking mqtt-proxy multi-auth node-status ocsp-stapling opa openfunction
	openid-connect opentelemetry openwhisk prometheus proxy-buffering proxy-cache proxy-control proxy-mirror proxy-rewrite public-api
	real-ip redirect referer-restriction request-id request-validation response-rewrite rocketmq-logger server-info serverless-post-function
	serverless-pre-function skywalking skywalking-logger sls-logger splunk-hec-logging syslog tcp-logger tencent-cloud-cls traffic-split
	ua-restriction udp-logger uri-blocker wolf-rbac workflow zipkin acl ai-content-moderation data-mask error-page exit-transformer
	graphql-limit-count graphql-proxy-cache limit-count-advanced oas-validator proxy-cache-advanced saml-auth soap toolset
`)
